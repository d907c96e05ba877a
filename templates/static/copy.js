/* Buttons that copy or print.  Without this script they stay hidden and the text is selected by hand. */
(function () {
  'use strict';
  if (!document.querySelectorAll || !document.addEventListener) { return; }

  /* For http and for old phones, where navigator.clipboard is missing. */
  function copySelected(source) {
    var range = document.createRange(), selection = window.getSelection(), done = false;
    range.selectNodeContents(source);
    selection.removeAllRanges();
    selection.addRange(range);
    try { done = document.execCommand('copy'); } catch (refused) { done = false; }
    if (done) { selection.removeAllRanges(); }
    return done;
  }

  /* A list of names and values is copied as lines "name: value". */
  function textOf(source) {
    var rows = source.querySelectorAll('dt'), lines = [], i;
    for (i = 0; i < rows.length; i += 1) {
      lines.push(rows[i].textContent + ': ' + rows[i].nextElementSibling.textContent);
    }
    return lines.length ? lines.join('\n') : source.textContent;
  }

  function makeCopy(button) {
    var source = document.getElementById(button.getAttribute('data-copy')), said = document.createElement('span');
    said.setAttribute('role', 'status');
    button.parentNode.insertBefore(said, button.nextSibling);
    function say(done) { said.textContent = ' ' + button.getAttribute(done ? 'data-done' : 'data-failed'); }
    button.addEventListener('click', function () {
      said.textContent = '';
      if (!navigator.clipboard || !navigator.clipboard.writeText) { say(copySelected(source)); return; }
      navigator.clipboard.writeText(textOf(source)).then(
        function () { say(true); },
        function () { say(copySelected(source)); }
      );
    });
    button.hidden = false;
  }

  function makePrint(button) {
    button.addEventListener('click', function () { window.print(); });
    button.hidden = false;
  }

  function each(selector, make) {
    var found = document.querySelectorAll(selector), i;
    for (i = 0; i < found.length; i += 1) { make(found[i]); }
  }
  each('[data-copy]', makeCopy);
  each('[data-print]', makePrint);
}());
