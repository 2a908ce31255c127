/**
 * What the edit forms of all nodes share: their words, their values while a form is open, and what a new node is given.
 * How a form is described stands in fields.js, what makes a value wrong in validate.js. Each node's .html loads all three,
 * in any order; the first load of each counts. There are no words here: they are in the catalogues under locales/.
 */
/* global RED, $, window, document */
(function () {
  'use strict';
  const W = (window.WavixEditor ??= {});
  if (W.text) return;

  const PACKAGE = '@wavix-flows/node-red-wavix';
  const ENCODINGS = ['pcm', 'float32', 'mulaw', 'alaw', 'base64'];
  /** node → its open form. A form that has left the page is a closed one. */
  const forms = new WeakMap();

  $('<link rel="stylesheet">').attr('href', `resources/${PACKAGE}/editor.css`).appendTo('head');

  /** Where the words common to all nodes are: the catalogue of wavix-config, below `common`. */
  W.COMMON = `${PACKAGE}/wavix-config:common`;

  /** A text of the common catalogue: `common.<key>` of wavix-config. */
  W.text = function (key, values) {
    return RED._(`${W.COMMON}.${key}`, values);
  };

  /** A text by its key: `common.…` is common to all nodes, any other is of the node's own catalogue. */
  W.words = function (node, key, values) {
    return key.startsWith('common.') ? W.text(key.slice('common.'.length), values) : node._(key, values);
  };

  function isConfig(node) {
    return node._def.category === 'config';
  }

  function formOf(node) {
    const form = forms.get(node);
    return form && document.contains(form[0]) ? form : null;
  }

  /** To be called first in `oneditprepare`: the form of this node is open. */
  W.open = function (node) {
    const form = $(isConfig(node) ? '#node-config-dialog-edit-form' : '#dialog-form');
    forms.set(node, form);
    return form;
  };

  W.isOpen = function (node) {
    return formOf(node) !== null;
  };

  /** The input of a property in an open form. */
  W.field = function (node, property) {
    return formOf(node).find(`#node-${isConfig(node) ? 'config-' : ''}input-${property}`);
  };

  /** Parts of an open form, by a selector. */
  W.part = function (node, selector) {
    return formOf(node).find(selector);
  };

  /** What a property is worth now: as in the node's own form while that is open, else as stored. */
  W.current = function (node, property) {
    const input = formOf(node) ? W.field(node, property) : $();
    if (input.length === 0) return node[property];
    return input.attr('type') === 'checkbox' ? input.prop('checked') : input.val();
  };

  /** For `onadd`: a new node takes the one config there is; with several, or none, it is for the person to say. */
  W.onadd = function () {
    const configs = [];
    RED.nodes.eachConfig((config) => {
      if (config.type === 'wavix-config' && (!config.z || config.z === this.z)) configs.push(config);
    });
    if (configs.length === 1 && !this.config) this.config = configs[0].id;
  };

  /** For `labelStyle`: a name that a person gave is in italics, as with Node-RED's own nodes. */
  W.labelStyle = function () {
    return this.name ? 'node_label_italic' : '';
  };

  /** A typed value for the canvas: a text as it is, else where it comes from, such as "msg.payload". */
  W.shownValue = function (value, type) {
    // The key of a context may have its store before it: "#:(file)::key".
    return type === 'str' ? value : `${type}.${String(value).replace(/^#:\([^)]*\)::/, '')}`;
  };

  /** The name of a sample rate, given in Hz, for the canvas: "24 kHz". */
  W.kilohertz = function (rate) {
    const hertz = Number(rate);
    return hertz > 0 ? W.text('unit.kHz', { value: hertz / 1000 }) : String(rate);
  };

  /** The name of an encoding, for the canvas. */
  W.encoding = function (value) {
    return ENCODINGS.includes(value) ? W.text(`encodingShort.${value}`) : String(value);
  };

  W.isG711 = function (value) {
    return value === 'mulaw' || value === 'alaw';
  };
})();
