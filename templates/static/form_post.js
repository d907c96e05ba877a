/* Sends the form of this page; without scripts people press its button. */
window.onload = function () { document.forms[0].submit(); };
