/**
 * nginx and Caddy as processes of the test's own, each with the very file of docs/: what a user has to change in it is
 * changed, each place exactly once, and nothing else.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DOCS = join(__dirname, '../../../docs');

export type ProxyName = 'nginx' | 'caddy';

/** A certificate of its own for localhost, as files. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Proxy {
  /** its address, such as `https://localhost:23881` */
  url: string;
  /** all it has written so far: output and log files */
  written: () => string;
  /** Afterwards `written` is complete. Doing it again changes nothing. */
  stop: () => Promise<void>;
}

/** Whether programs are there to be run. */
export function isInstalled(...programs: string[]): boolean {
  return programs.every((program) => {
    const asked = spawnSync(program, [program === 'nginx' ? '-v' : 'version'], { stdio: 'ignore' });
    return asked.error === undefined;
  });
}

/** Needs openssl. */
export function makeCertificate(folder: string): Certificate {
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
  const args = [
    ...request.split(' '),
    '-addext',
    'subjectAltName=DNS:localhost',
    '-keyout',
    key,
    '-out',
    cert,
  ];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { cert, key };
}

/** Replaces one place of a file of docs/. */
function change(text: string, [from, to]: readonly [string, string]): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`'${from}' stands ${parts.length - 1} times in the file, not once`);
  return parts.join(to);
}

/**
 * @param folder an empty one, for its files
 * @param port where it listens
 * @param upstream port of the line
 */
export async function startProxy(
  name: ProxyName,
  folder: string,
  { port, upstream, certificate }: { port: number; upstream: number; certificate: Certificate },
): Promise<Proxy> {
  mkdirSync(folder);
  const run = name === 'nginx' ? nginx : caddy;
  const { child, files } = run(folder, port, upstream, certificate);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close');
  for (let tries = 0; !(await listens(port)); tries++) {
    if (child.exitCode !== null || tries > 100) throw new Error(`${name} does not run: ${output}`);
    await sleep(50);
  }
  return {
    url: `https://localhost:${port}`,
    written: () => output + files.map((file) => readFileSync(file, 'utf8')).join(''),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

type Run = (
  folder: string,
  port: number,
  upstream: number,
  certificate: Certificate,
) => { child: ChildProcess; files: string[] };

const nginx: Run = (folder, port, upstream, { cert, key }) => {
  const site = (
    [
      ['    listen 443 ssl;\n', `    listen 127.0.0.1:${port} ssl;\n`],
      ['    listen [::]:443 ssl;\n', ''],
      ['server_name phone.example.com', 'server_name localhost'],
      ['/etc/letsencrypt/live/phone.example.com/fullchain.pem', cert],
      ['/etc/letsencrypt/live/phone.example.com/privkey.pem', key],
      ['server 127.0.0.1:1881', `server 127.0.0.1:${upstream}`],
    ] as const
  ).reduce(change, readFileSync(join(DOCS, 'nginx.conf'), 'utf8'));
  writeFileSync(join(folder, 'site.conf'), site);
  const log = join(folder, 'error.log');
  const access = join(folder, 'access.log');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join('\n');
  // As distributions have it around the files of conf.d/: with both logs on.
  const main = `
    ${process.getuid?.() === 0 ? 'user root root;' : ''}
    daemon off; pid ${join(folder, 'pid')}; error_log ${log} info; worker_processes 1;
    events { worker_connections 256; }
    http { access_log ${access}; ${temporary} include ${join(folder, 'site.conf')}; }`;
  writeFileSync(join(folder, 'main.conf'), main);
  writeFileSync(log, '');
  writeFileSync(access, '');
  const child = spawn('nginx', ['-p', folder, '-e', log, '-c', join(folder, 'main.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, files: [log, access] };
};

const caddy: Run = (folder, port, upstream, { cert, key }) => {
  const file = (
    [
      // No certificate from outside, no ports below 1024, no control port.
      ['{\n\t# Each address', '{\n\tadmin off\n\tauto_https disable_redirects\n\t# Each address'],
      ['phone.example.com {\n', `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${cert} ${key}\n`],
      ['reverse_proxy 127.0.0.1:1881', `reverse_proxy 127.0.0.1:${upstream}`],
    ] as const
  ).reduce(change, readFileSync(join(DOCS, 'caddy.Caddyfile'), 'utf8'));
  writeFileSync(join(folder, 'Caddyfile'), file);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn('caddy', ['run', '--config', join(folder, 'Caddyfile')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, files: [] };
};

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
