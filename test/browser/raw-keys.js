// Runs in every page of the tests, from its beginning: tells of each key of a catalogue that is shown as it is, because
// there is no text for it.
/* global window, document, MutationObserver, NodeFilter */
(function () {
  const KEY = /(?<![\w/.])(?:[@\w/-]*wavix-[a-z-]+[.:][a-z][\w-]*|common\.[a-z][\w-]*)(?:\.[a-z][\w-]*)+/i;
  const ATTRIBUTES = ['placeholder', 'title', 'alt', 'label', 'aria-label'];
  /** What holds templates and code shows nothing. */
  const UNSEEN = 'script, style, template';

  const tell = (text) => {
    const key = KEY.exec(text ?? '');
    if (key) window.rawKeyShown(key[0], text);
  };

  function look(node) {
    if (node.nodeType === 3) {
      if (!node.parentElement?.closest(UNSEEN)) tell(node.data);
    } else if (node.nodeType === 1) {
      for (const name of ATTRIBUTES) tell(node.getAttribute(name));
    }
  }

  function lookInto(node) {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    do look(walker.currentNode);
    while (walker.nextNode());
  }

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'childList') addedNodes.forEach(lookInto);
      else look(target);
    }
  }).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ATTRIBUTES,
  });
})();
