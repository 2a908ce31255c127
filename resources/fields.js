/**
 * The edit forms, each described once: a form is a list of fields, and a field is its default, its row, when it applies,
 * what makes it wrong, and how it is kept. `WavixEditor.form` makes of the list what Node-RED wants: the template, the
 * `defaults`, `oneditprepare` and `oneditsave`. Texts are found by their place: the label of `timeout` in `wavix-call` is
 * `wavix-call.label.timeout`; of a field that several nodes have, `common.label.…`.
 *
 * A field is `{property, icon, defaults, input, …}`:
 *   defaults   what goes into Node-RED's `defaults`
 *   input      (place) => its HTML
 *   label      false: it has none beside it
 *   top        its label stands at the top, beside the first line of several
 *   common     its texts are common to all nodes
 *   when       (get) => whether it applies; else it is not shown, and can't be wrong
 *   hint       true: its hint stands below it; {name: when, …}: these do, each when it applies
 *   warnings   the names of those hints that warn
 *   prepare    (node) => what is left to do once Node-RED has filled it
 *   save       (node) => what is to do before Node-RED reads it
 */
/* global $, window */
(function () {
  'use strict';
  const W = (window.WavixEditor ??= {});
  if (W.form) return;

  const FROM_MESSAGE = ['msg', 'flow', 'global', 'str', 'env'];

  // Text fields and numbers

  /** A line of text, `narrow` or as wide as can be. `validate` is a kind of validate.js with its rule, such as `['url', {schemes: […]}]`. */
  function text(property, { value = '', validate, placeholder, unit, narrow = Boolean(unit), ...rest }) {
    return {
      property,
      ...rest,
      defaults: { [property]: { value, ...checked(validate, rest.when) } },
      input: (place) =>
        `<input type="text" id="${place.id}"${narrow ? ' class="wavix-number"' : ''}${
          placeholder ? ` data-i18n="[placeholder]${place.key('placeholder')}"` : ''
        } />${unit ? `<span class="wavix-unit" data-i18n="${W.COMMON}.unit.${unit}"></span>` : ''}`,
    };
  }

  /** A whole number from `min` to `max`, kept as a number. `blank`: may be empty. */
  function number(property, { min, max, blank, error, ...rest }) {
    const rule = { min, max, blank, error: error ?? `common.error.number.${rest.unit}` };
    return {
      ...text(property, { ...rest, validate: ['number', rule] }),
      save: (node) => saveNumber(node, property),
    };
  }

  /** A password, among the `credentials`. */
  function password(property, { placeholder, error, ...rest }) {
    return {
      property,
      ...rest,
      credentials: {
        [property]: {
          type: 'password',
          ...(error && { validate: W.validate.some({ error }) }),
        },
      },
      input: (place) =>
        `<input type="password" id="${place.id}"${
          placeholder ? ` data-i18n="[placeholder]${place.key('placeholder')}"` : ''
        } />`,
    };
  }

  /**
   * A value, and where it comes from: its type is kept in `<property>Type`. The first of `types` is the usual one; the
   * placeholder is an example for it. `rule` is that of `validate.typed`. `shownAs`: by type, (node) => what it looks like
   * where that is not as usual.
   */
  function typed(property, { value = '', types, shownAs = {}, placeholder, rule, ...rest }) {
    const kind = `${property}Type`;
    return {
      property,
      ...rest,
      defaults: {
        [property]: { value, ...checked(['typed', { ...rule, type: kind }], rest.when) },
        [kind]: { value: types[0] },
      },
      input: (place) =>
        `<input type="text" id="${place.id}"${
          placeholder ? ` data-i18n="[placeholder]${place.key('placeholder')}"` : ''
        } /><input type="hidden" id="${place.id}Type" />`,
      prepare: (node) => {
        const input = W.field(node, property);
        const example = input.attr('placeholder') ?? '';
        input.typedInput({
          default: types[0],
          types: types.map((type) => shownAs[type]?.(node) ?? type),
          typeField: W.field(node, kind),
        });
        const shown = input.next('.red-ui-typedInput-container').find('.red-ui-typedInput-input');
        input.on('change', () => {
          shown.attr('placeholder', input.typedInput('type') === types[0] ? example : '');
        });
      },
    };
  }

  /** One of `values`. `number`: kept as a number. */
  function choice(property, { values, value = values[0], number: isNumber, ...rest }) {
    return {
      property,
      ...rest,
      defaults: { [property]: { value } },
      input: (place) =>
        `<select id="${place.id}">${values
          .map((one) => `<option value="${one}" data-i18n="${place.key(property, String(one))}"></option>`)
          .join('')}</select>`,
      prepare: (node) => {
        keepChoice(node, property);
        rest.prepare?.(node);
      },
      save: (node) => {
        rest.save?.(node);
        if (isNumber) saveNumber(node, property);
      },
    };
  }

  /** A box to tick. */
  function tick(property, { value, ...rest }) {
    return {
      property,
      ...rest,
      label: false,
      defaults: { [property]: { value } },
      input: (place) =>
        `<label class="wavix-check"><input type="checkbox" id="${place.id}" />
          <span data-i18n="${place.key('label')}"></span></label>`,
    };
  }

  // Fields that several nodes have

  const name = () => ({
    property: 'name',
    icon: 'tag',
    defaults: { name: { value: '' } },
    labelKey: 'node-red:common.label.name',
    input: (place) =>
      `<input type="text" id="${place.id}" data-i18n="[placeholder]node-red:common.label.name" />`,
  });

  /** The `wavix-config`. Node-RED makes its select; who has none yet is told what to do. */
  const config = () => ({
    property: 'config',
    icon: 'cog',
    common: true,
    defaults: {
      config: {
        value: '',
        type: 'wavix-config',
        required: true,
        // Read late: catalogues may load after this.
        get label() {
          return W.text('label.config');
        },
      },
    },
    input: (place) => `<input type="text" id="${place.id}" />`,
    hint: { config: (get) => ['', '_ADD_', null, undefined].includes(get('config')) },
  });

  const callId = ({ hint } = {}) =>
    typed('callId', {
      icon: 'phone',
      common: true,
      hint,
      value: 'call_id',
      types: FROM_MESSAGE,
      placeholder: true,
      rule: { error: 'common.error.callId' },
    });

  const streamId = ({ hint } = {}) =>
    typed('streamId', {
      icon: 'random',
      common: true,
      hint,
      value: 'stream_id',
      types: FROM_MESSAGE,
      placeholder: true,
      rule: { error: 'common.error.streamId' },
    });

  /** Further fields of a request, as JSON. */
  const options = () =>
    typed('options', {
      icon: 'ellipsis-h',
      common: true,
      hint: true,
      value: '{}',
      types: ['json', 'msg', 'flow', 'global'],
      rule: { blank: true },
    });

  /**
   * What stream to ask Wavix for. A two-way stream has but the inbound channel (the guide, "Bidirectional streaming"): no
   * other can be chosen then, and none is kept.
   */
  const stream = ({ when = () => true } = {}) => {
    const isTwoway = (get) => get('streamType') === 'twoway';
    return [
      choice('streamType', {
        icon: 'exchange',
        common: true,
        values: ['twoway', 'oneway'],
        when,
        hint: { twoway: isTwoway, oneway: (get) => get('streamType') === 'oneway' },
      }),
      choice('streamChannel', {
        icon: 'headphones',
        common: true,
        values: ['inbound', 'outbound', 'both'],
        when: (get) => when(get) && !isTwoway(get),
        save: (node) => {
          if (W.current(node, 'streamType') === 'twoway') W.field(node, 'streamChannel').val('inbound');
        },
      }),
      text('streamUrl', {
        icon: 'link',
        common: true,
        hint: true,
        placeholder: true,
        when,
        validate: [
          'url',
          { schemes: ['ws:', 'wss:'], query: true, blank: true, error: 'common.error.streamUrl' },
        ],
      }),
    ];
  };

  /** The form of samples. G.711 is an 8 kHz code: the rate follows, and the one before comes back with its encoding. */
  const encoding = ({ values, hint }) =>
    choice('encoding', {
      icon: 'file-audio-o',
      common: true,
      values,
      hint,
      prepare: (node) => {
        const rate = W.field(node, 'sampleRate');
        let before = node.encoding;
        let wide = '24000';
        W.field(node, 'encoding').on('change', function () {
          const [from, to] = [before, this.value].map(W.isG711);
          if (to && !from) {
            wide = rate.val();
            rate.val('8000');
          } else if (from && !to && rate.val() === '8000') {
            rate.val(wide);
          }
          before = this.value;
        });
      },
    });

  // Around the fields

  /** A heading. */
  const group = (key, { when } = {}) => ({
    when,
    html: (place) => `<div class="wavix-group" data-i18n="${place.key('group', key)}"></div>`,
  });

  /** Rows that belong to no property. `prepare(node)` brings them to life. */
  const part = (html, { when, prepare } = {}) => ({ when, prepare, html: () => html });

  /**
   * @param type the node's
   * @param parts what is above, lists of them too
   * @returns `{defaults, credentials, oneditprepare, oneditsave}` for `registerType`, to be named there one by one: the
   *   Flow Library reads the html of a node without running it, and gives up at a `...form`
   */
  W.form = function (type, parts) {
    const list = parts.flat();
    /** What is shown only when it applies: [the mark of its element, when]. */
    const conditions = [];
    const template = `<div class="wavix-form">${list.map((one) => html(one, type, conditions)).join('')}</div>`;
    // In the place of one that an earlier version has left in the page.
    $(`script[data-template-name="${type}"]`).remove();
    $('<script type="text/html">').attr('data-template-name', type).text(template).appendTo('body');
    const defaults = Object.assign({}, ...list.map((one) => one.defaults));
    for (const definition of Object.values(defaults)) judgeAsNew(definition);
    return {
      defaults,
      credentials: Object.assign({}, ...list.map((one) => one.credentials)),
      oneditprepare: function () {
        const form = W.open(this);
        fillAsNew(this, defaults);
        for (const one of list) one.prepare?.(this);
        const show = () => showWhatApplies(this, conditions);
        form.on('change', show);
        show();
        sayWhatIsWrong(this, form);
      },
      oneditsave: function () {
        for (const one of list) one.save?.(this);
      },
    };
  };

  W.fields = {
    text,
    number,
    password,
    typed,
    choice,
    tick,
    name,
    config,
    callId,
    streamId,
    options,
    stream,
    encoding,
    group,
    part,
    FROM_MESSAGE,
  };

  // HTML

  function html(one, type, conditions) {
    const content = one.html ? one.html(placeOf(type, one)) : rowAndHints(one, type, conditions);
    if (!one.html) return `<div class="wavix-field"${mark(one.when, conditions)}>${content}</div>`;
    return one.when ? `<div${mark(one.when, conditions)}>${content}</div>` : content;
  }

  /** Where a field stands: its id, and the keys of its texts. */
  function placeOf(type, { property, common }) {
    return {
      id: `node-${type === 'wavix-config' ? 'config-' : ''}input-${property}`,
      key: (kind, what = property) => `${common ? W.COMMON : type}.${kind}.${what}`,
    };
  }

  function rowAndHints(one, type, conditions) {
    const place = placeOf(type, one);
    const label =
      one.label === false
        ? ''
        : `<label${one.top ? ' class="wavix-list"' : ` for="${place.id}"`}><i class="fa fa-${one.icon}"></i>
            <span data-i18n="${one.labelKey ?? place.key('label')}"></span></label>`;
    const hints = one.hint === true ? { [one.property]: undefined } : (one.hint ?? {});
    return `<div class="form-row">${label}${one.input(place)}</div>${Object.entries(hints)
      .map(
        ([what, when]) =>
          `<div class="wavix-hint${one.warnings?.includes(what) ? ' wavix-warning' : ''}"${mark(when, conditions)} data-i18n="${place.key('hint', what)}"></div>`,
      )
      .join('')}`;
  }

  function mark(when, conditions) {
    if (!when) return '';
    conditions.push(when);
    return ` data-wavix-when="${conditions.length - 1}"`;
  }

  // Open forms

  function showWhatApplies(node, conditions) {
    if (!W.isOpen(node)) return;
    const get = (property) => W.current(node, property);
    conditions.forEach((when, number) => {
      W.part(node, `[data-wavix-when="${number}"]`).toggle(Boolean(when(get)));
    });
  }

  /** From now on the form says below each field what is wrong with it. */
  function sayWhatIsWrong(node, form) {
    form.on('keyup focusout', 'input', (event) => $(event.target).closest('.form-row').data('touched', true));
    form.on('change keyup paste focusout', () => W.showErrors(node));
  }

  /**
   * Says below each field what is wrong with it.
   *
   * @param asked properties that somebody wants to use now, so that they are to be said even if nobody has been in them
   * @returns whether one of those is wrong
   */
  W.showErrors = function (node, asked = []) {
    let isWrong = false;
    if (!W.isOpen(node)) return isWrong;
    const { defaults, credentials = {} } = node._def;
    for (const [property, { validate }] of Object.entries({ ...defaults, ...credentials })) {
      const row = W.field(node, property).closest('.form-row');
      if (!validate || row.length === 0) continue;
      row.next('.wavix-error').remove();
      if (asked.includes(property)) row.data('touched', true);
      const value = W.current(node, property);
      const result = validate.call(node, value, {});
      if (typeof result !== 'string') continue;
      if (asked.includes(property)) isWrong = true;
      // An empty field nobody has been in yet needs no scolding: its red border will do.
      if (value !== '' || row.data('touched')) $('<div class="wavix-error">').text(result).insertAfter(row);
    }
    return isWrong;
  };

  /** Offers in a select what the node has, be it an environment variable or a choice of a later version. */
  function keepChoice(node, property) {
    const select = W.field(node, property);
    const value = node[property];
    if (value === undefined) return;
    if (select.children().filter((_index, option) => option.value === String(value)).length === 0) {
      $('<option>').val(value).text(value).appendTo(select);
    }
    select.val(String(value));
  }

  /**
   * Keeps what reads as a number as a number: Node-RED takes the field's text over only where it differs from the node's
   * value by `==`.
   */
  function saveNumber(node, property) {
    const value = W.field(node, property).val();
    if (W.isWhole(value)) node[property] = Number(value);
  }

  // A node of a flow that was saved before there was a property does what a new one does.

  function judgeAsNew(definition) {
    const { validate, value: asNew } = definition;
    if (!validate) return;
    definition.validate = function (value, options) {
      return validate.call(this, value === undefined ? asNew : value, options);
    };
  }

  function fillAsNew(node, defaults) {
    for (const [property, { value, type }] of Object.entries(defaults)) {
      if (node[property] !== undefined || type) continue; // a config node's field is Node-RED's
      node[property] = structuredClone(value);
      const input = W.field(node, property);
      if (input.is(':checkbox')) input.prop('checked', value);
      else input.val(value);
    }
  }

  function checked(validate, when) {
    if (!validate) return {};
    const [kind, rule] = validate;
    return { validate: W.validate[kind]({ ...rule, when }) };
  }
})();
