/* What a browser with scripts does better; nothing here is needed. */
(function () {
  "use strict";
  var first = document.getElementById("mistakes");
  if (first) { first.focus(); }
  /* A form that was sent is not sent twice by an impatient finger. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "1";
      setTimeout(function () { delete form.dataset.sent; }, 4000);
    }
  });
  /* Filters answer as soon as one is chosen. */
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (form && form.classList.contains("filters") && event.target.tagName === "SELECT") { form.requestSubmit(); }
  });
  /* A page with work under way looks again by itself. */
  var busy = document.querySelector("[data-again]");
  if (busy) { setTimeout(function () { location.reload(); }, Number(busy.dataset.again) * 1000); }
})();
