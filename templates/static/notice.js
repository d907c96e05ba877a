/* The notice page with JavaScript: a countdown that can be stopped, the part of the old address that never reached the
   server (#...), and a search for the locality that needs no second page.  The page is whole without any of it.
   ES5 only: phones from 2014 read this. */
(function () {
  'use strict';
  if (!window.JSON || !document.addEventListener || !document.querySelector) { return; }

  function the(id) { return document.getElementById(id); }
  function fill(text, value) { return text.replace(/\{[a-z]+\}/, function () { return value; }); }
  function show(node, visible) { if (node) { node.hidden = !visible; } }

  var page = JSON.parse(the('main').getAttribute('data-page')), texts = JSON.parse(the('main').getAttribute('data-texts')),
      goNow = the('now');

  /* ---- what stands after # in the old address: it stays in this browser ---- */

  function aim(target, name) {
    var parts = /^(https:\/\/)([^\/]+)(.*)$/.exec(target), spans = the('address').children, i;
    if (!parts) { return; }
    page.target = goNow.href = target;
    for (i = 0; i < 3; i += 1) { spans[i].textContent = parts[i + 1]; }
    the('destination').textContent = name;
    show(the('unmapped'), false);
    show(the('for-place'), false);
    show(the('qr'), false); /* it shows the target of before */
  }

  function resolveFragment() {
    var words = location.hash, code, known = page.fragments;
    try { words = decodeURIComponent(words); } catch (broken) { /* as typed, then */ }
    code = /(?:^|[^\d.])(\d\.\d{6})(?!\d)/.exec(words);
    if (code && known.procedure) {
      aim(known.procedure.replace('{code}', encodeURIComponent(code[1])), fill(texts['destination.procedure-coded'], code[1]));
    } else if (known['dossier-lookup'] && /tra-?cuu(?!-?(?:thu-?tuc|tthc))|tien-?do|tinh-?trang/i.test(words)) {
      aim(known['dossier-lookup'], texts['destination.dossier-lookup']);
    }
  }

  /* ---- what becomes of the countdown: one word for each page at most, and nothing waits for it ---- */

  function count(choice) {
    try { if (page.choices) { navigator.sendBeacon(page.choices + choice); } } catch (unable) { /* not counted */ }
    page.choices = '';
  }

  /* A link to another face of this same page keeps what stands after #. */
  function keepFragment(link) {
    return link.indexOf('#') < 0 ? link + location.hash : link;
  }

  /* ---- the countdown ---- */

  var LAPSE = 2000,       /* a tick later than this means that the device slept: that time was not seen by anyone */
      AFTER_PAUSE = 10000, /* at least so long after a pause, that nobody is carried off mid-sentence */
      SAY_AT = [20, 10, 5],
      STOPPED = 'dvc-edge-stay';

  var stop = the('stop'), left = page.seconds * 1000, deadline = 0, due = 0, handle = 0, over = !page.seconds,
      choosing = false, saidStart = false;

  function now() { return new Date().getTime(); }
  function say(text) { the('said').textContent = text; }
  function tell(text) { the('timer').textContent = text; }

  function showSeconds() {
    var seconds = Math.ceil(left / 1000);
    tell(fill(texts['timer.counting'], seconds));
    while (SAY_AT.length && seconds <= SAY_AT[0]) {
      if (SAY_AT.shift() === seconds && seconds < page.seconds) { say(fill(texts['timer.say-left'], seconds)); }
    }
  }

  function schedule() {
    var wait = left % 1000 || 1000;
    due = now() + wait;
    handle = setTimeout(tick, wait);
  }

  function tick() {
    var late = now() - due;
    if (late > LAPSE || late < -LAPSE) { deadline += late; }
    left = deadline - now();
    if (left <= 0) { leave(); return; }
    showSeconds();
    schedule();
  }

  function pause() {
    if (!handle) { return; }
    clearTimeout(handle);
    handle = 0;
    left = Math.max(deadline - now(), Math.min(AFTER_PAUSE, page.seconds * 1000));
    if (choosing) { tell(texts['timer.waiting']); }
  }

  function resume() {
    if (over || handle || choosing || document.hidden) { return; }
    deadline = now() + left;
    showSeconds();
    schedule();
    if (!saidStart) {
      saidStart = true;
      /* A status that is there from the start is not read out: it has to change. */
      setTimeout(function () { if (!over) { say(fill(texts['timer.say-start'], page.seconds)); } }, 500);
    }
  }

  function end() {
    over = true;
    clearTimeout(handle);
    handle = 0;
  }

  function leave() {
    end();
    if (navigator.onLine === false) { tell(texts['timer.offline']); say(texts['timer.offline']); return; }
    tell(texts['timer.leaving']);
    say(texts['timer.leaving']);
    count('carried');
    location.replace(page.target); /* not assign: Back must lead to the page before this one */
  }

  /* From now on this entry of the history is the page without a timer: Back and reload find it stopped. */
  function settle() {
    try { history.replaceState(null, '', keepFragment(page.stay)); } catch (unable) { /* the session remembers */ }
  }

  function stopQuietly() {
    end();
    show(the('timer'), false);
    show(stop, false);
    show(the('still'), true);
  }

  function onStop() {
    if (over) { return; }
    end();
    count('stopped');
    tell(texts['timer.stopped']);
    say(texts['timer.stopped']);
    stop.textContent = texts['timer.stop-pressed'];
    stop.setAttribute('aria-disabled', 'true'); /* not disabled: the focus must not fall off it */
    settle();
    try { sessionStorage.setItem(STOPPED, page.here); } catch (unable) { /* the history remembers */ }
  }

  function onGo(event) {
    /* The right button only opens a menu. */
    if (event.button !== 2) { count('went'); }
    if (!over) { stopQuietly(); }
    if (page.seconds) { settle(); }
  }

  function stoppedBefore() {
    var entry, legacy = window.performance && performance.navigation;
    try { if (sessionStorage.getItem(STOPPED) === page.here) { return true; } } catch (unable) { /* no session */ }
    try { entry = performance.getEntriesByType('navigation')[0]; } catch (old) { /* the older interface, then */ }
    /* Who comes here with Back wants to be here. */
    return entry ? entry.type === 'back_forward' : !!legacy && legacy.type === 2;
  }

  function startCountdown() {
    goNow.addEventListener('click', onGo);
    goNow.addEventListener('auxclick', onGo); /* opened in another tab, or its address copied */
    if (over) { return; }
    if (stoppedBefore()) { stopQuietly(); return; }
    show(the('timer'), true);
    show(stop, true);
    stop.addEventListener('click', onStop);
    document.addEventListener('visibilitychange', function () { if (document.hidden) { pause(); } else { resume(); } });
    window.addEventListener('pageshow', function (event) { if (event.persisted && !over) { stopQuietly(); } });
    resume();
  }

  /* ---- the locality ---- */

  var section = the('choose'), form = the('locality'), list = the('matches'), engaged = false, asked = '', waiting = 0;

  function report(text) { the('matches-said').textContent = text; }

  function text(tag, content) {
    var node = document.createElement(tag);
    node.textContent = content;
    return node;
  }

  function item(match) {
    var li = document.createElement('li'), a = document.createElement('a'), was;
    a.href = keepFragment(match.link);
    a.lang = 'vi';
    a.appendChild(text('b', match.name));
    a.appendChild(document.createTextNode(', ' + match.province));
    if (match.context) {
      was = a.appendChild(text('small', ' ' + fill(texts['locality.formerly'], match.context)));
      was.lang = document.documentElement.lang;
    }
    li.appendChild(a);
    return li;
  }

  function present(found) {
    var i, count = 0;
    list.textContent = '';
    for (i = 0; i < found.matches.length; i += 1) {
      /* Only a path on this host may become a link. */
      if (/^\/(?![\/\\])/.test(found.matches[i].link)) {
        list.appendChild(item(found.matches[i]));
        count += 1;
      }
    }
    show(list, count > 0);
    report(count ? fill(texts['locality.found'], count) + (found.more ? ' ' + fill(texts['locality.more'], found.more) : '') : texts['locality.none']);
  }

  function fetchMatches(query, onFailure) {
    var request = new XMLHttpRequest();
    request.open('GET', form.getAttribute('action') + '?format=json&' + query);
    request.timeout = 10000;
    request.onload = function () {
      var found;
      if (query !== asked) { return; } /* an answer to an earlier question */
      try { found = JSON.parse(request.responseText); } catch (broken) { found = null; }
      if (request.status === 200 && found && found.matches) { present(found); } else { onFailure(); }
    };
    request.onerror = request.ontimeout = function () { if (query === asked) { onFailure(); } };
    request.send();
  }

  function search(least, onFailure) {
    var words = form.elements.q.value.replace(/^\s+|\s+$/g, ''), query;
    query = 'q=' + encodeURIComponent(words) + '&province=' + encodeURIComponent(form.elements.province.value) +
      '&_from=' + encodeURIComponent(page.here);
    if (words.length < least) { asked = ''; show(list, false); report(''); return; }
    if (query === asked) { return; }
    asked = query;
    report(texts['locality.searching']);
    fetchMatches(query, function () { asked = ''; onFailure(); });
  }

  function failed() { show(list, false); report(texts['locality.failed']); }
  function soon() {
    engaged = true; /* who has begun to choose is waited for, wherever the focus goes */
    clearTimeout(waiting);
    waiting = setTimeout(function () { search(2, failed); }, 300);
  }

  function onSubmit(event) {
    event.preventDefault();
    clearTimeout(waiting);
    /* When the search cannot be done here, the form is sent as if there were no script. */
    search(1, function () { form.submit(); });
  }

  function onChoice(event) {
    var a = event.target;
    while (a && a.nodeName !== 'A') { a = a.parentNode; }
    if (!a || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return; }
    event.preventDefault();
    location.replace(a.href); /* a choice is no step of its own in the history */
  }

  function startLocality() {
    section.addEventListener('focus', function () { choosing = true; pause(); }, true);
    section.addEventListener('blur', function () {
      choosing = engaged;
      setTimeout(resume, 0); /* the next field may have the focus by then */
    }, true);
    form.elements.q.addEventListener('input', soon);
    form.elements.province.addEventListener('change', soon);
    form.addEventListener('submit', onSubmit);
    list.addEventListener('click', onChoice);
  }

  function carryFragment() {
    var links = document.querySelectorAll('nav a, .places a'), i;
    for (i = 0; location.hash && i < links.length; i += 1) { links[i].href = keepFragment(links[i].getAttribute('href')); }
  }

  resolveFragment();
  carryFragment();
  window.addEventListener('hashchange', resolveFragment);
  startLocality();
  startCountdown();
}());
