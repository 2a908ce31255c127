/**
 * What a wavix-simulator can do in the editor beside being filled in: let its phone call and hang up, offer the sounds of
 * the package, and list the last calls, each with a button to listen to it.
 */
/* global RED, $, window, document */
(function () {
  'use strict';
  const W = (window.WavixEditor ??= {});
  if (W.simulatorParts) return;

  const ADMIN = 'wavix/simulator';
  /** How often an open form asks for the calls, in ms. */
  const UPDATE_MS = 2_000;

  const pathOf = (node, what) => `${ADMIN}/${encodeURIComponent(node.id)}/${what}`;

  // The button of the node

  /** Takes the phone, as deployed: it calls, or hangs up. */
  function press(node) {
    if (node.changed) {
      const message = RED._('notification.warnings.undeployedChanges');
      return RED.notify(RED._('notification.warning', { message }), 'warning');
    }
    const label = RED.utils.getNodeLabel(node);
    return $.ajax({ url: pathOf(node, 'call'), method: 'POST' })
      .done(({ did, error }) => {
        if (error) return RED.notify(error, 'error');
        return RED.notify(node._(`wavix-simulator.button.${did}`, { label }), {
          type: 'success',
          id: 'wavix-simulator',
          timeout: 2_000,
        });
      })
      .fail((request) => RED.notify(whyNot(node, request), 'error'));
  }

  /** Why Node-RED itself did not answer. */
  function whyNot(node, { status }) {
    const known = { 401: 'forbidden', 403: 'forbidden', 404: 'deploy' };
    return node._(`wavix-simulator.button.${known[status] ?? 'failed'}`);
  }

  // The sounds of the package

  /** A typed input's text that offers them. */
  const sound = (node) => ({
    value: 'str',
    label: node._('wavix-simulator.sound'),
    icon: 'fa fa-volume-up',
    autoComplete: (typed, done) => {
      $.getJSON(`${ADMIN}/sounds`)
        .done((names) => {
          const fitting = names.filter((name) => name.includes(typed.trim()));
          done(fitting.map((name) => ({ value: name, label: name })));
        })
        .fail(() => done([]));
    },
  });

  // The last calls

  const calls = {
    row: `<div class="wavix-calls" id="wavix-simulator-calls"></div>
      <div class="wavix-hint wavix-wide" id="wavix-simulator-none" data-i18n="wavix-simulator.hint.calls"></div>`,

    prepare: (node) => {
      const list = W.part(node, '#wavix-simulator-calls');
      const none = W.part(node, '#wavix-simulator-none');
      /** call_id → its row */
      const rows = new Map();
      const update = () =>
        $.getJSON(pathOf(node, 'calls')).done((all) => {
          none.toggle(all.length === 0);
          for (const [id, row] of rows) if (!all.some(({ call_id }) => call_id === id)) row.remove();
          for (const call of [...all].reverse()) {
            let row = rows.get(call.call_id);
            if (!row) rows.set(call.call_id, (row = newRow(node, call, list).prependTo(list)));
            showResult(node, call, row);
          }
        });
      update();
      const timer = setInterval(() => {
        if (document.contains(list[0])) update();
        else clearInterval(timer);
      }, UPDATE_MS);
    },
  };

  function newRow(node, { call_id, began, from, to }, list) {
    const row = $('<div>');
    $('<button type="button" class="red-ui-button red-ui-button-small"><i class="fa fa-play"></i></button>')
      .attr('title', node._('wavix-simulator.calls.listen'))
      .on('click', () => listen(node, call_id, row, list))
      .appendTo(row);
    const time = new Date(began).toLocaleTimeString();
    $('<span>').text(node._('wavix-simulator.calls.line', { time, from, to })).appendTo(row);
    $('<small>').appendTo(row);
    return row;
  }

  function showResult(node, { event, ms }, row) {
    const status = node._(`wavix-simulator.status.${event}`);
    const seconds = Math.round(ms / 1_000);
    row.find('small').text(node._('wavix-simulator.calls.result', { event: status, seconds }));
    row.find('button').prop('disabled', ms === 0);
  }

  /** The editor's login goes with this request; it would not with an address that the player gets itself. */
  function listen(node, callId, row, list) {
    const url = pathOf(node, `calls/${encodeURIComponent(callId)}/call.wav`);
    $.ajax({ url, xhrFields: { responseType: 'blob' } })
      .done((wav) => {
        list.find('audio').each((_index, player) => {
          URL.revokeObjectURL(player.src);
          player.remove();
        });
        const player = $('<audio controls autoplay>').attr('src', URL.createObjectURL(wav)).appendTo(row);
        player[0].scrollIntoView({ block: 'nearest' });
      })
      .fail(() => RED.notify(node._('wavix-simulator.calls.failed'), 'error'));
  }

  W.simulatorParts = { press, sound, calls };
})();
