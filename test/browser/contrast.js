// Runs in every page of the tests: `hardToRead(element)` gives the texts in it whose colour is too near to what is behind
// them, by the contrast that WCAG 2 asks for (level AA).
/* global window, document, getComputedStyle, NodeFilter */
(function () {
  const ENOUGH = 4.5;
  /** What looks as Node-RED has it. */
  const NOT_OURS = 'option, a, .red-ui-button';

  /** [red, green, blue, alpha], each from 0 to 1. */
  function colour(text) {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [red / 255, green / 255, blue / 255, alpha];
  }

  /** A colour laid over an opaque one. */
  const over = ([r, g, b, alpha], below) =>
    [r, g, b].map((one, index) => one * alpha + below[index] * (1 - alpha));

  function background(element) {
    if (!element) return [1, 1, 1];
    const own = colour(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, background(element.parentElement));
  }

  function luminance(rgb) {
    const [r, g, b] = rgb.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /** Of an element with all that it is in. */
  function opacity(element) {
    return element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
  }

  function contrast(element) {
    const behind = background(element);
    const [red, green, blue, alpha] = colour(getComputedStyle(element).color);
    const text = over([red, green, blue, alpha * opacity(element)], behind);
    const [dark, light] = [luminance(text), luminance(behind.slice(0, 3))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  window.hardToRead = function (root) {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data, parentElement: element } = walker.currentNode;
      if (data.trim() === '' || !element.checkVisibility() || element.closest(NOT_OURS)) continue;
      const measured = contrast(element);
      if (measured < ENOUGH) found.push(`${data.trim()} (${measured.toFixed(1)} : 1)`);
    }
    return found;
  };
})();
