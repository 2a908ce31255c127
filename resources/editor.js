/**
 * What the edit forms of all nodes share: the words common to them, validators that say what is wrong, typed
 * inputs, numbers kept as numbers. Each node's .html loads this file; the first load counts. It holds no words itself:
 * they are in the catalogues under locales/.
 */
/* global RED, $, window, document */
(function () {
  'use strict';
  if (window.WavixEditor) return;

  const PACKAGE = '@wavix-flows/node-red-wavix';
  /** What Node-RED itself puts another value in for, so that it can't be judged here. */
  const ENVIRONMENT = /^\$\{[^}]+\}$|^\$\([^)]+\)$/;
  const ENCODINGS = ['pcm', 'float32', 'mulaw', 'alaw', 'base64'];
  const WHOLE = /^\s*\d+\s*$/;
  /** node → its open form. A form that has left the page is a closed one. */
  const forms = new WeakMap();

  $('<link rel="stylesheet">').attr('href', `resources/${PACKAGE}/editor.css`).appendTo('head');

  /** A text of the common catalogue: `common.<key>` of wavix-config. */
  function text(key, values) {
    return RED._(`${PACKAGE}/wavix-config:common.${key}`, values);
  }

  /** A text by its key: `common.…` is common to all nodes, any other is of the node's own catalogue. */
  function words(node, key, values) {
    return key.startsWith('common.') ? text(key.slice('common.'.length), values) : node._(key, values);
  }

  /** The property every node but the config itself has. Its label is read late: catalogues may load after this. */
  function configProperty() {
    return {
      value: '',
      type: 'wavix-config',
      required: true,
      get label() {
        return text('label.config');
      },
    };
  }

  function isConfig(node) {
    return node._def.category === 'config';
  }

  function formOf(node) {
    const form = forms.get(node);
    return form && document.contains(form[0]) ? form : null;
  }

  /** The input of a property in an open form. */
  function field(node, property) {
    return formOf(node).find(`#node-${isConfig(node) ? 'config-' : ''}input-${property}`);
  }

  /** Parts of an open form, by a selector. */
  function part(node, selector) {
    return formOf(node).find(selector);
  }

  /** What a property is worth now: as in the node's own form while that is open, else as stored. */
  function current(node, property) {
    const input = formOf(node) ? field(node, property) : $();
    if (input.length === 0) return node[property];
    return input.attr('type') === 'checkbox' ? input.prop('checked') : input.val();
  }

  /**
   * A validator as Node-RED 3 and later take it. `check(value, get)` answers whether the value will do; `error` is the
   * key of what to say if not (`words`), with the rule's own `min` and `max` in it. A property whose
   * `when(get)` is false is not shown, so it can't be wrong. `blank`: may be empty.
   */
  function validator(rule, check) {
    return function (value, _options) {
      const get = (property) => current(this, property);
      if (rule.when && !rule.when(get)) return true;
      const given = value === undefined || value === null ? '' : String(value);
      if (given.trim() === '' && rule.blank) return true;
      if (ENVIRONMENT.test(given)) return true;
      return check(given, get) || words(this, rule.error, { min: rule.min, max: rule.max });
    };
  }

  const validate = {
    /** A whole number from `min` to `max`. */
    number: (rule) =>
      validator(rule, (given) => {
        const number = Number(given);
        return WHOLE.test(given) && number >= rule.min && number <= rule.max;
      }),

    /** An address with one of `schemes` ("https:"), without user name and password; `query`: may have one. */
    url: (rule) =>
      validator(rule, (given) => {
        try {
          const url = new URL(given);
          const plain = url.username === '' && url.password === '' && (rule.query || !/[?#]/.test(given));
          return plain && rule.schemes.includes(url.protocol);
        } catch {
          return false;
        }
      }),

    /** A text that `pattern` matches. */
    pattern: (rule) => validator(rule, (given) => rule.pattern.test(given)),

    /** A typed input: a property, the name of an environment variable, a JSON object, or a text that `pattern` matches. */
    typed: (rule) =>
      validator(rule, (given, get) => {
        const type = get(rule.type);
        if (type === 'str') return rule.pattern ? rule.pattern.test(given) : given !== '';
        if (type === 'json') return isJsonObject(given);
        if (type === 'env') return given !== '';
        return RED.utils.validateTypedProperty(given, type) === true;
      }),
  };

  function isJsonObject(given) {
    try {
      const value = JSON.parse(given);
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  }

  /** To be called first in `oneditprepare`: from now on the form says below each field what is wrong with it. */
  function open(node) {
    const form = $(isConfig(node) ? '#node-config-dialog-edit-form' : '#dialog-form');
    forms.set(node, form);
    for (const property of Object.keys(node._def.defaults)) keepChoice(node, property);
    form.on('keyup focusout', 'input', (event) => $(event.target).closest('.form-row').data('touched', true));
    form.on('change keyup paste focusout', () => showErrors(node));
  }

  function showErrors(node) {
    if (!formOf(node)) return;
    for (const property of Object.keys(node._def.defaults)) {
      const definition = node._def.defaults[property];
      const row = field(node, property).closest('.form-row');
      if (!definition.validate || row.length === 0) continue;
      row.next('.wavix-error').remove();
      const value = current(node, property);
      const result = definition.validate.call(node, value, {});
      // An empty field nobody has been in yet needs no scolding: its red border will do.
      if (typeof result === 'string' && (value !== '' || row.data('touched'))) {
        $('<div class="wavix-error">').text(result).insertAfter(row);
      }
    }
  }

  /** Makes a typed input of `property`, its type kept in `<property>Type`. The first of `types` is the usual one. */
  function typedInput(node, property, types) {
    field(node, property).typedInput({
      default: types[0],
      types,
      typeField: field(node, `${property}Type`),
    });
  }

  /** Offers in a select what the node has, be it an environment variable or a choice of a later version. */
  function keepChoice(node, property) {
    const select = field(node, property);
    const value = node[property];
    if (!select.is('select') || node._def.defaults[property].type || value === undefined) return;
    if (select.children().filter((_index, option) => option.value === String(value)).length === 0) {
      $('<option>').val(value).text(value).appendTo(select);
    }
    select.val(String(value));
  }

  /** Shows and hides a stream's channel: two-way streams have but one, the inbound one. */
  function streamFields(node) {
    const type = field(node, 'streamType');
    type.on('change', () => {
      const twoway = type.val() === 'twoway';
      part(node, '.wavix-when-oneway').toggle(!twoway);
      part(node, '.wavix-when-twoway').toggle(twoway);
    });
  }

  /** In `oneditsave`: a two-way stream carries the inbound channel, so the flow file says no other. */
  function saveStreamFields(node) {
    if (current(node, 'streamType') === 'twoway') field(node, 'streamChannel').val('inbound');
  }

  /**
   * In `oneditsave`: keeps what reads as a number as a number. Node-RED then takes the field's text over only where it
   * differs from the node's value by `==`, so the number stays.
   */
  function saveNumbers(node, properties) {
    for (const property of properties) {
      const value = field(node, property).val();
      if (WHOLE.test(value)) node[property] = Number(value);
    }
  }

  /** For `onadd`: a new node takes the one config there is; with several, or none, it is for the person to say. */
  function onadd() {
    const configs = [];
    RED.nodes.eachConfig((config) => {
      if (config.type === 'wavix-config' && (!config.z || config.z === this.z)) configs.push(config);
    });
    if (configs.length === 1 && !this.config) this.config = configs[0].id;
  }

  /** The name of a sample rate, given in Hz, for the canvas: "24 kHz". */
  function kilohertz(rate) {
    const hertz = Number(rate);
    return hertz > 0 ? text('unit.kHz', { value: hertz / 1000 }) : String(rate);
  }

  /** The name of an encoding, for the canvas. */
  function encoding(value) {
    return ENCODINGS.includes(value) ? text(`encodingShort.${value}`) : String(value);
  }

  function isG711(value) {
    return value === 'mulaw' || value === 'alaw';
  }

  window.WavixEditor = {
    text,
    configProperty,
    validate,
    open,
    field,
    part,
    current,
    typedInput,
    streamFields,
    saveStreamFields,
    saveNumbers,
    onadd,
    kilohertz,
    encoding,
    isG711,
  };
})();
