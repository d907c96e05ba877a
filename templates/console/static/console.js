/* What a browser with scripts does better; nothing here is needed.  htmx exchanges parts of pages, by attributes; here
   stands what it cannot: focus, what is said aloud, and what to do when a part is not there. */
(function () {
  "use strict";
  var say = document.getElementById("say");

  function focusOn(element) {
    if (element) { element.focus({ preventScroll: false }); }
  }
  focusOn(document.getElementById("mistakes"));

  /* A page that is only passed through: its link, followed at once, and not come back to. */
  var way = document.querySelector("a[data-go]");
  if (way) { location.replace(way.href); }

  /* A form that was sent is not sent twice by an impatient finger. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.target || form.method !== "post" || (event.submitter && event.submitter.formTarget)) { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 4000);
  });

  /* Filters that htmx does not exchange answer as soon as one is chosen. */
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (form && form.classList.contains("filters") && !form.hasAttribute("hx-get") && event.target.tagName === "SELECT") {
      form.requestSubmit();
    }
  });

  /* The answer is another page (the session is over, or something is wrong): go there, as without scripts. */
  document.addEventListener("htmx:beforeSwap", function (event) {
    var detail = event.detail, selected = detail.requestConfig.elt.getAttribute("hx-select");
    var there = !selected || new DOMParser().parseFromString(detail.serverResponse, "text/html").querySelector(selected);
    if (detail.xhr.status < 400 && there) { return; }
    detail.shouldSwap = false;
    if (detail.requestConfig.verb === "get") { location.assign(detail.pathInfo.finalRequestPath); }
  });

  /* What has changed is said once; whoever turned the page goes on at its top. */
  document.addEventListener("htmx:afterSettle", function (event) {
    var said = document.querySelector("[data-say]"), asked = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (say && said && say.textContent !== said.textContent) { say.textContent = said.textContent; }
    if (asked && asked.closest(".pager") && event.detail.target) { focusOn(document.getElementById(event.detail.target.id)); }
    if (window.drawCharts) { window.drawCharts(); }
  });
})();
