"""The files that stand for a whole host: robots, sitemap, security contact, and the scripts that retire a shell."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from redirect_rules.model import Action, Hole, Literal, PathTemplate, Portal, Rule
from redirect_rules.snapshot import Snapshot

RETIRING_WORKER: Final = """\
// This portal has closed.  The worker removes its caches and itself, so that pages come from the network again.
self.addEventListener("install", function () { self.skipWaiting(); });
self.addEventListener("activate", function (event) {
  event.waitUntil(
    caches.keys()
      .then(function (names) { return Promise.all(names.map(function (name) { return caches.delete(name); })); })
      .then(function () { return self.registration.unregister(); })
      .then(function () { return self.clients.matchAll({ type: "window" }); })
      .then(function (pages) { pages.forEach(function (page) { page.navigate(page.url); }); })
  );
});
"""

_LEADS = frozenset({Action.NOTICE, Action.REDIRECT})


def robots(host: str) -> str:
    """Crawlers may see everything: that is how they learn where it went."""
    return f"User-agent: *\nAllow: /\nSitemap: https://{host}/sitemap.xml\n"


def security_txt(contact: str, host: str, *, expires: datetime) -> str:
    """RFC 9116."""
    return (
        f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\nPreferred-Languages: vi, en\n"
        f"Canonical: https://{host}/.well-known/security.txt\n"
    )


def sitemap(snapshot: Snapshot, portal: Portal, host: str, now: datetime) -> str:
    """The mapped addresses that can be spelt: those of rules without captures (sitemaps.org 0.9)."""
    paths = sorted({_spelt(template) for template in _mapped(snapshot, portal, now)})
    entries = "".join(f"<url><loc>{escape(f'https://{host}{path}')}</loc></url>\n" for path in paths[:50_000])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def _mapped(snapshot: Snapshot, portal: Portal, now: datetime) -> Iterator[PathTemplate]:
    for rule in snapshot.rules_of(portal):
        if rule.action in _LEADS and not rule.conditions and rule.valid_at(now):
            yield from (template for template in rule.templates if _is_plain(template, rule))


def _is_plain(template: PathTemplate, rule: Rule) -> bool:
    return not any(isinstance(segment, Hole) for segment in template.segments)


def _spelt(template: PathTemplate) -> str:
    texts = (segment.text for segment in template.segments if isinstance(segment, Literal))
    return "/" + "/".join(quote(text, safe="-._~!$&'()*+,;=:@") for text in texts)
