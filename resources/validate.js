/**
 * What makes a value wrong, and the words that say so. Validators in the form Node-RED 3 and later take: a function of
 * two arguments that answers true or a text.
 */
/* global RED, window */
(function () {
  'use strict';
  const W = (window.WavixEditor ??= {});
  if (W.validate) return;

  /** What Node-RED itself puts another value in for, so that it can't be judged here. */
  const ENVIRONMENT = /^\$\{[^}]+\}$|^\$\([^)]+\)$/;
  const WHOLE = /^\s*\d+\s*$/;

  /**
   * `check(value, get)` answers with the key of what to say (`W.words`, with the rule's own `min` and `max`), or with
   * nothing where the value will do. A property whose `when(get)` is false is not shown, so it can't be wrong. `blank`:
   * may be empty.
   */
  function validator(rule, check) {
    return function (value, _options) {
      const get = (property) => W.current(this, property);
      if (rule.when && !rule.when(get)) return true;
      const given = value === undefined || value === null ? '' : String(value);
      if (given.trim() === '' && rule.blank) return true;
      if (ENVIRONMENT.test(given)) return true;
      const key = check(given, get);
      return key === undefined || W.words(this, key, { min: rule.min, max: rule.max });
    };
  }

  /** The same for a rule with one `error` for all that is wrong. */
  function plain(rule, isGood) {
    return validator(rule, (given, get) => (isGood(given, get) ? undefined : rule.error));
  }

  W.validate = {
    /** Not empty. */
    some: (rule) => plain(rule, (given) => given.trim() !== ''),

    /** A whole number from `min` to `max`. */
    number: (rule) =>
      plain(rule, (given) => {
        const number = Number(given);
        return WHOLE.test(given) && number >= rule.min && number <= rule.max;
      }),

    /** An address with one of `schemes` ("https:"), without user name and password; `query`: may have one. */
    url: (rule) =>
      plain(rule, (given) => {
        try {
          const url = new URL(given);
          const bare = url.username === '' && url.password === '' && (rule.query || !/[?#]/.test(given));
          return bare && rule.schemes.includes(url.protocol);
        } catch {
          return false;
        }
      }),

    /** A text that `pattern` matches. */
    pattern: (rule) => plain(rule, (given) => rule.pattern.test(given)),

    /**
     * A typed input: a property, the name of an environment variable, a text that `pattern` matches, or JSON: an object,
     * or where `json` names what to say of it, anything.
     */
    typed: (rule) =>
      validator(rule, (given, get) => {
        const type = get(rule.type);
        if (type === 'str') {
          const isGood = rule.pattern ? rule.pattern.test(given) : given.trim() !== '';
          return isGood ? undefined : rule.error;
        }
        if (type === 'json') return isJson(given, rule.json) ? undefined : (rule.json ?? 'common.error.json');
        if (type === 'env') return given.trim() === '' ? 'common.error.env' : undefined;
        if (given.trim() !== '' && RED.utils.validateTypedProperty(given, type) === true) return undefined;
        return type === 'msg' ? 'common.error.msg' : 'common.error.context';
      }),
  };

  W.isWhole = (given) => WHOLE.test(given);

  function isJson(given, mayBeAny) {
    try {
      const value = JSON.parse(given);
      return Boolean(mayBeAny) || (typeof value === 'object' && value !== null && !Array.isArray(value));
    } catch {
      return false;
    }
  }
})();
