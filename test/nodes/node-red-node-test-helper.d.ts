/** The part of node-red-node-test-helper that is used here; the published types know nothing of its promises. */
declare module 'node-red-node-test-helper' {
  import type { Express } from 'express';
  import type { Node, NodeAPI } from 'node-red';

  export type TestNode = Node & { receive(message: object): void };

  interface AdminAnswer {
    status: number;
    headers: Record<string, string>;
    body: unknown;
  }

  export type AdminRequest = Promise<AdminAnswer> & { send(body?: unknown): Promise<AdminAnswer> };

  const helper: {
    init(nodeRedPath: string): void;
    load(nodes: ((RED: NodeAPI) => void)[], flow: object[], credentials: object): Promise<void>;
    setFlows(flow: object[], type: string, credentials: object): Promise<void>;
    unload(): Promise<void>;
    /** Stops the flows. */
    clearFlows(): Promise<void>;
    getNode(id: string): TestNode;
    startServer(): Promise<void>;
    stopServer(): Promise<void>;
    url(): string;
    /** A spy on Node-RED's log, from the last `load` on. */
    log(): { args: unknown[][] } | undefined;
    settings(settings: object): object;
    /** Requests to the admin API, by supertest. */
    request(): Record<'get' | 'post', (path: string) => AdminRequest>;
    /** The runtime's own flows. */
    _redNodes: { startFlows(): Promise<void> };
    /** The app of the server. */
    _app: Express;
  };
  export default helper;
}
