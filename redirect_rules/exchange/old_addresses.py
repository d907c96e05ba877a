"""An old address as people wrote it → the portal it belongs to and its canonical path and query.

The plain address, nine in ten of a list, takes a short way; a property test holds it to the answer of `canonical`.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple
from urllib.parse import quote

from redirect_rules.canonical import SENSITIVE, BadHost, BadTarget, canonical_host, canonical_key
from redirect_rules.exact import address
from redirect_rules.exact_complaints import MOST_NAMES
from redirect_rules.exchange.patterns import Pattern, pattern_of
from redirect_rules.exchange.rows import Context, MatchKind, PortalScope, Refused, Wish
from redirect_rules.model import Hole, PathTemplate
from redirect_rules.parsing import parse_template

LONGEST_ADDRESS = 8_000
_MOST_SPELLINGS = 1_000  # of hosts; a list has a handful

_URL = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.DOTALL)
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~\\-._"
# Nothing here changes under `canonical_key` but the case and a final slash; index files take the long way.
_PLAIN_SEGMENT = r"(?!\.{1,2}(?:[/?]|\Z)|(?i:index\.|default\.))[A-Za-z0-9._~!$'()*,:@-]+"
_PLAIN = re.compile(
    rf"(?P<path>/|(?:/{_PLAIN_SEGMENT})+)/?(?:\?(?P<query>[A-Za-z0-9._-]+=[A-Za-z0-9._~!$'()*,:@-]+"
    rf"(?:&[A-Za-z0-9._-]+=[A-Za-z0-9._~!$'()*,:@-]+)*))?\Z"
)

Pairs = tuple[tuple[str, str], ...]


class OldAddress(NamedTuple):
    """What a rule would match: an exact path with parameters, a template, or an expression."""

    portal: PortalScope
    path: str = ""  # exact, canonical
    query: Pairs = ()
    template: PathTemplate | None = None
    pattern: Pattern | None = None

    @property
    def key(self) -> str:
        """Equal for addresses that are one to the visitor."""
        if self.template is not None:
            text = template_key(self.template, fold_case=self.portal.fold_case)
            return f"{self.portal.id}{text}"
        if self.pattern is not None:
            return f"{self.portal.id}~{self.pattern.regex}"
        key = self.portal.id + self.path
        if self.query:
            key += "?" + "&".join(f"{encoded(name)}={encoded(value)}" for name, value in self.query)
        return key

    @property
    def captures(self) -> frozenset[str]:
        """The names a target may use."""
        if self.template is not None:
            names = {segment.name for segment in self.template.segments if isinstance(segment, Hole)}
            return frozenset(names | ({self.template.tail} if self.template.tail else set()))
        return frozenset(self.pattern.groups.values()) if self.pattern else frozenset()


def encoded(text: str) -> str:
    """A name or a value as it stands in a key."""
    return text if text.isascii() and text.isalnum() else quote(text, safe="-._~!$'()*,:@")


class AddressReader:
    """Reads the old side of wishes; remembers hosts that it has seen."""

    def __init__(self, context: Context, portal: str | None) -> None:
        self._context = context
        self._portal = self._named(portal) if portal is not None else None
        self._seen: dict[str, PortalScope] = {}
        self._strange: dict[str, str] = {}  # a host of nobody → what may be meant

    def read(self, wish: Wish) -> Sequence[OldAddress]:
        """The addresses of one wish, one for each portal of its hosts.  Raises Refused."""
        if len(wish.old) > LONGEST_ADDRESS:
            raise Refused(f"the old address is longer than {LONGEST_ADDRESS:,} characters: nobody can have used it")
        match wish.kind:
            case MatchKind.REGEX:
                host, _, text = wish.old.partition("~")
                found = [self._matching(scope, text, wish) for scope in self._scopes(host, wish.hosts)]
            case MatchKind.TEMPLATE | MatchKind.BELOW:
                authority, target = _split(wish.old)
                if wish.kind is MatchKind.BELOW:
                    target = f"{target.partition('?')[0].rstrip('/')}/{{rest:path}}"
                found = [_templated(scope, target) for scope in self._scopes(authority, wish.hosts)]
            case _:
                authority, target = _split(wish.old)
                found = [_exact(scope, target) for scope in self._scopes(authority, wish.hosts)]
        return found

    def _matching(self, scope: PortalScope, text: str, wish: Wish) -> OldAddress:
        bare = text.removeprefix("(?i)")  # as an export spells it
        ignore_case = wish.ignore_case or scope.fold_case or bare != text
        pattern = pattern_of(bare, ignore_case=ignore_case)
        if pattern.exact:
            return _exact(scope, pattern.path)
        if pattern.path:
            return OldAddress(scope, template=parse_template(pattern.path), pattern=pattern)
        return OldAddress(scope, pattern=pattern)

    def _scopes(self, authority: str, hosts: Sequence[str]) -> list[PortalScope]:
        if authority:
            return [self._portal_of(authority)]
        if hosts:
            return list({scope.id: scope for scope in map(self._portal_of, hosts)}.values())
        if self._portal is None:
            raise Refused("a path alone belongs to no portal: write the whole old address, or name the portal")
        return [self._portal]

    def _portal_of(self, authority: str) -> PortalScope:
        scope = self._context.hosts.get(authority) or self._seen.get(authority)
        if scope is None:
            try:
                host = canonical_host(authority)
            except BadHost:
                raise Refused(f"{authority[:80]!r} is no host name: write https://HOST/PATH") from None
            scope = self._context.hosts.get(host)
            if scope is None:
                raise Refused(f"{host} is no portal's address{self._instead_of(host)}")
            if len(self._seen) < _MOST_SPELLINGS:
                self._seen[authority] = scope
        if self._portal is not None and scope.id != self._portal.id:
            raise Refused(
                f"{authority} belongs to {scope.id}, and this import is for {self._portal.id}: remove the line, or "
                "import without naming a portal"
            )
        return scope

    def _instead_of(self, host: str) -> str:
        if host not in self._strange and len(self._strange) < _MOST_SPELLINGS:
            near = get_close_matches(host, self._context.hosts, n=1, cutoff=0.7)
            self._strange[host] = f"; did you mean {', '.join(near)}?" if near else ": add it to a portal first"
        return self._strange.get(host, ": add it to a portal first")

    def _named(self, portal: str) -> PortalScope:
        try:
            return self._context.portals[portal]
        except KeyError:
            near = ", ".join(get_close_matches(portal, self._context.portals)) or "see the list of portals"
            raise Refused(f"there is no portal {portal!r}: {near}") from None


def _split(old: str) -> tuple[str, str]:
    """Authority ("" for a path) and target."""
    if not old:
        raise Refused("the old address is missing: write https://HOST/PATH, or a path")
    if old.startswith("https://"):  # the short way for most
        authority, slash, target = old[8:].partition("/")
        if slash and "?" not in authority and "#" not in authority:
            return authority, "/" + target
    if old.startswith("/"):
        return "", old
    match = _URL.match(old)
    if match is None or (match["scheme"] or "https").lower() not in {"http", "https"}:
        raise Refused(f"{old[:80]!r} is no http or https address: write https://HOST/PATH")
    if not match["scheme"] and "." not in match["authority"]:
        raise Refused(f"{old[:80]!r}: write the whole old address, or a path that begins with /")
    target = match["target"]
    return match["authority"], target if target.startswith("/") else "/" + target


def _exact(scope: PortalScope, target: str) -> OldAddress:
    if plain := _PLAIN.match(target):
        path, query = plain["path"], plain["query"]
        path = path.lower() if scope.fold_case else path
        return OldAddress(scope, path, _plain_pairs(query) if query else ())
    try:
        key = canonical_key("", _quoted(target), fold_case=scope.fold_case)
    except BadTarget as error:
        raise Refused(f"the old address cannot be read: {error}") from None
    if key.devious:
        raise Refused("the old address has dot segments or backslashes: write it as browsers send it")
    return OldAddress(scope, key.path, _kept(key.pairs))


def _quoted(target: str) -> str:
    """A target as a browser would send it."""
    return quote(target, safe=_SAFE)


def _plain_pairs(query: str) -> Pairs:
    if "&" not in query:
        name, _, value = query.partition("=")
        name = name.lower()
        return () if name in SENSITIVE else ((name, value),)
    pairs = [part.partition("=") for part in query.split("&")]
    return _kept(tuple((name, value) for name, _, value in pairs))


def _kept(pairs: Pairs) -> Pairs:
    """The pairs a rule may ask for, as the exact index knows them."""
    query = address("", pairs)[1] if pairs else ()
    if len(query) > MOST_NAMES:
        raise Refused(
            f"the old address has {len(query)} parameters: keep the {MOST_NAMES} that tell pages apart, or fewer"
        )
    return query


def _templated(scope: PortalScope, target: str) -> OldAddress:
    if "?" in target:
        raise Refused("a template has no ?: move parameters to the columns when and query")
    try:
        template = parse_template(target)
    except ValueError as error:
        raise Refused(str(error)) from None
    return OldAddress(scope, template=template)


def template_key(template: PathTemplate, *, fold_case: bool) -> str:
    """A template in one spelling: literals encoded and folded."""
    parts = []
    for segment in template.segments:
        if isinstance(segment, Hole):
            prefix, suffix = (
                (segment.prefix.lower(), segment.suffix.lower()) if fold_case else (segment.prefix, segment.suffix)
            )
            parts.append(f"{prefix}{{{segment.name}:{segment.type}}}{suffix}")
        else:
            parts.append(encoded(segment.text.lower() if fold_case else segment.text))
    if template.tail:
        parts.append(f"{{{template.tail}:path}}")
    return "/" + "/".join(parts)
