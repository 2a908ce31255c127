/**
 * What the form of wavix-config can do beside being filled in: fill itself for the local Wavix, test the key and the
 * public address, warn of an editor that can be reached from outside, and show the events URL. Each is a row or two of
 * the form with a button, and a place where the answer is said.
 */
/* global RED, $, window */
(function () {
  'use strict';
  const W = (window.WavixEditor ??= {});
  if (W.configParts) return;

  const LOCAL = /^https?:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i;
  const LOCAL_PORT = '8787';
  const LOCAL_KEY = 'local-key';
  const GUIDE = 'https://github.com/wavix-flows/node-red-wavix/blob/main/docs/behind-a-proxy.md';
  const LOGIN_GUIDE =
    'https://nodered.org/docs/user-guide/runtime/securing-node-red#editor--admin-api-security';

  const get = (node) => (property) => W.current(node, property);

  /** Whether the Wavix of this form is on this machine. */
  const isLocal = (value) => LOCAL.test(value('apiUrl'));

  /** Whether Wavix could not reach this server: it is elsewhere, and there is no address for it. */
  const isUnreachable = (value) => String(value('publicUrl')).trim() === '' && !isLocal(value);

  const button = (id, icon, style = '') =>
    `<button type="button" class="red-ui-button" id="wavix-config-${id}"${style}>
      <i class="fa fa-${icon}"></i> <span data-i18n="wavix-config.button.${id}"></span></button>`;

  const hint = (key) => `<div class="wavix-hint" data-i18n="wavix-config.hint.${key}"></div>`;

  /** The place for an answer. */
  const place = (id) =>
    `<div class="wavix-said" id="wavix-config-${id}-said" role="status" style="display: none"></div>`;

  /** A button in the column of the fields. */
  const buttonRow = (id, icon) => `<div class="form-row wavix-buttons">${button(id, icon)}</div>`;

  /**
   * Says something in its place: each line is a text, or `[text, link]`. Nothing to say hides it.
   *
   * @param kind `good`, `bad`, `warn` or `busy`
   */
  function say(node, id, kind, ...lines) {
    const said = W.part(node, `#wavix-config-${id}-said`);
    const icons = {
      good: 'check-circle',
      bad: 'times-circle',
      warn: 'exclamation-triangle',
      busy: 'spinner',
    };
    said.empty().toggle(lines.length > 0);
    if (lines.length === 0) return;
    const icon = $('<i>').addClass(`fa fa-${icons[kind]}`);
    said.attr('class', `wavix-said wavix-said-${kind}`).append(icon.toggleClass('fa-spin', kind === 'busy'));
    const text = $('<div>').appendTo(said);
    for (const line of lines.flat()) text.append(typeof line === 'string' ? $('<p>').text(line) : line);
    if (kind !== 'warn') said[0].scrollIntoView({ block: 'nearest' });
  }

  /** What stands in the form, for the tests of the server; the secret is not needed there. */
  function valuesOf(node) {
    const properties = ['apiUrl', 'apiStyle', 'apiKey', 'publicUrl', 'path', 'port'];
    return Object.fromEntries(properties.map((property) => [property, W.field(node, property).val()]));
  }

  /**
   * Asks the server; what it could not answer is said in place `id`. Where one of `properties` is wrong the form says so
   * itself.
   */
  function ask(node, id, properties, answered) {
    if (W.showErrors(node, properties)) return say(node, id, 'bad', node._('wavix-config.said.fields'));
    const asked = W.part(node, `#wavix-config-${id}`);
    asked.prop('disabled', true);
    say(node, id, 'busy', node._('wavix-config.said.testing'));
    $.ajax({
      url: `wavix/config/${encodeURIComponent(node.id)}/${id}`,
      method: 'POST',
      contentType: 'application/json',
      data: JSON.stringify(valuesOf(node)),
    })
      .done((answer) => {
        if (!W.isOpen(node)) return;
        if (answer.said) say(node, id, 'bad', node._(`wavix-config.said.${answer.said}`));
        else if (answer.error) say(node, id, 'bad', answer.error);
        else answered(answer);
      })
      .fail((request) => {
        if (W.isOpen(node)) say(node, id, 'bad', whyNot(node, request));
      })
      .always(() => asked.prop('disabled', false));
  }

  /** Why Node-RED itself did not answer. */
  function whyNot(node, { status }) {
    const known = { 401: 'forbidden', 403: 'forbidden', 404: 'deploy' };
    return node._(`wavix-config.said.${known[status] ?? 'failed'}`);
  }

  /** What a test said no longer holds once what it tested is changed. */
  function forget(node, id, properties) {
    for (const property of properties) {
      W.field(node, property).on('change input', () => say(node, id));
    }
  }

  // The local Wavix

  /** Ports of the local Wavix nodes in the flows. */
  function localPorts() {
    const ports = [];
    RED.nodes.eachNode((node) => {
      if (node.type === 'wavix-simulator' && !node.d) ports.push(String(node.port || LOCAL_PORT));
    });
    return ports;
  }

  const local = {
    row: buttonRow('local', 'magic') + hint('local') + place('local'),
    prepare: (node) => {
      W.part(node, '#wavix-config-local').on('click', () => {
        const [port] = localPorts();
        const values = {
          apiUrl: `http://127.0.0.1:${/^\d+$/.test(port) ? port : LOCAL_PORT}`,
          apiKey: LOCAL_KEY,
          publicUrl: '',
        };
        for (const [property, value] of Object.entries(values))
          W.field(node, property).val(value).trigger('change');
        say(
          node,
          'local',
          'good',
          node._(`wavix-config.local.${port === undefined ? 'missing' : 'there'}`, { port }),
        );
      });
    },
  };

  // The key

  const key = {
    row: buttonRow('check-key', 'check') + place('check-key'),
    prepare: (node) => {
      const tested = ['apiUrl', 'apiStyle', 'apiKey'];
      forget(node, 'check-key', tested);
      W.part(node, '#wavix-config-check-key').on('click', () => {
        ask(node, 'check-key', tested, () => {
          const which = isLocal(get(node)) ? 'acceptedLocal' : 'accepted';
          say(node, 'check-key', 'good', node._(`wavix-config.said.${which}`));
        });
      });
    },
  };

  // The public address

  /** What is said of one of the two kinds of routes. */
  function finding(node, { problem, ...values }) {
    return node._(`wavix-config.reach.${problem}`, values);
  }

  function sayReach(node, { events, streams, address, warning, maybeInside, editor }) {
    const lines = [];
    if (events.problem || streams.problem) {
      if (events.problem === streams.problem) {
        lines.push(finding(node, events));
      } else {
        for (const [kind, one] of [
          ['events', events],
          ['streams', streams],
        ]) {
          const what = one.problem ? finding(node, one) : node._('wavix-config.reach.through');
          lines.push(node._(`wavix-config.reach.${kind}`, { what }));
        }
      }
      if (maybeInside) lines.push(node._('wavix-config.reach.inside'));
      return say(node, 'check-address', 'bad', ...lines);
    }
    const isPrivate = warning === 'private';
    const good = isPrivate ? 'private' : get(node)('publicUrl').trim() === '' ? 'local' : 'good';
    lines.push(node._(`wavix-config.reach.${good}`, { address }));
    if (warning === 'plain') lines.push(node._('wavix-config.reach.plain'));
    if (editor === 'open') lines.push(node._('wavix-config.reach.editor'), links(node));
    say(node, 'check-address', isPrivate ? 'bad' : lines.length > 1 ? 'warn' : 'good', ...lines);
  }

  const address = {
    row: buttonRow('check-address', 'exchange') + place('check-address'),
    prepare: (node) => {
      const tested = ['apiUrl', 'publicUrl', 'path', 'port'];
      forget(node, 'check-address', tested);
      W.part(node, '#wavix-config-check-address').on('click', () => {
        ask(node, 'check-address', tested, (answer) => sayReach(node, answer));
      });
    },
  };

  // Who else can come in by that address

  function links(node) {
    const link = (href, which) =>
      $('<a target="_blank" rel="noopener">')
        .attr('href', href)
        .text(node._(`wavix-config.exposure.${which}`));
    return $('<p>').append(link(LOGIN_GUIDE, 'login-guide'), ' · ', link(GUIDE, 'proxy-guide'));
  }

  const exposure = {
    row: place('exposure'),
    prepare: (node) => {
      let guards;
      const warn = () => {
        const value = get(node);
        if (!guards || !W.isOpen(node) || String(value('port')).trim() !== '') return say(node, 'exposure');
        const publicUrl = String(value('publicUrl')).trim();
        const lines = [];
        if (guards.nodeLogin) lines.push(node._('wavix-config.exposure.nodeLogin'));
        if (guards.editor && publicUrl !== '' && !LOCAL.test(publicUrl)) {
          lines.push(node._('wavix-config.exposure.editor'), links(node));
        }
        say(node, 'exposure', 'warn', ...lines);
      };
      for (const property of ['publicUrl', 'port']) W.field(node, property).on('change keyup paste', warn);
      $.getJSON('wavix/config/exposure').done((answer) => {
        guards = answer;
        if (W.isOpen(node)) warn();
      });
    },
  };

  // The events URL

  const events = {
    row: `<div class="form-row">
        <label for="wavix-config-address"><i class="fa fa-phone"></i> <span data-i18n="wavix-config.label.events"></span></label>
        ${button('show', 'eye')}
        <input type="text" id="wavix-config-address" readonly style="display: none" />
        ${button('copy', 'clipboard', ' style="display: none"')}
      </div>${place('events')}${hint('events')}`,
    prepare: (node) => {
      const [show, url, copy] = ['show', 'address', 'copy'].map((id) => W.part(node, `#wavix-config-${id}`));
      // The address holds a token: asked for only when wanted, and kept nowhere.
      show.on('click', () => {
        if (!RED.nodes.node(node.id)) return say(node, 'events', 'warn', node._('wavix-config.said.deploy'));
        $.getJSON(`wavix/config/${encodeURIComponent(node.id)}/events-url`)
          .done((answer) => {
            if (!answer.url) return say(node, 'events', 'bad', answer.error);
            show.hide();
            url.val(answer.url).show();
            copy.show();
            say(node, 'events', 'warn', ...(node.changed ? [node._('wavix-config.said.changed')] : []));
          })
          .fail((request) => say(node, 'events', 'bad', whyNot(node, request)));
      });
      copy.on('click', () => RED.clipboard.copyText(url.val(), copy, 'clipboard.copyMessageValue'));
    },
  };

  W.configParts = { local, key, address, exposure, events, isLocal, isUnreachable };
})();
