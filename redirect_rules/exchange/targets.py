"""A new address → the named destination that would build it, else the address itself on an allowed host.

Names outlive addresses: when the national portal is rebuilt, one line of destinations.toml changes and every rule that
names the page follows.  So a list that spells addresses becomes rules that name pages wherever a page has a name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from redirect_rules.captures import TYPES
from redirect_rules.destinations import TargetRefused
from redirect_rules.exchange.rows import Context, Refused

To = str | dict[str, str]
"""One entry of a rule's `to`."""

HOME: Final = "home"
_FALLBACKS: Mapping[str, str] = {"procedure": "procedure-list", "procedure-search": "procedure-list"}
_HOLE = re.compile(r"\{([a-z_]+)\}")
_TYPED = re.compile(r"\{([a-z_]+):[a-z0-9-]+\}")
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._{}"
_OLD_PATH: Final = "{old_path}"
_MOST_REMEMBERED = 10_000
_PLAIN = re.compile(
    r"https://(?P<host>[a-z0-9.-]+)(?P<path>(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){1,15})(?:\?[A-Za-z0-9._=&-]{1,400})?\Z"
)
_NOTHING_ASKED: Final[frozenset[str]] = frozenset()
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True)
class _Form:
    """A destination's address taken apart."""

    name: str
    path: tuple[str, str, str]  # before the hole, the hole's name or "", after it
    query: Mapping[str, str]  # parameter → text, or "{hole}"

    def parameters(self, path: str, query: Mapping[str, str]) -> dict[str, str] | None:
        """What must fill the holes to build this address, or None."""
        found: dict[str, str] = {}
        before, hole, after = self.path
        if hole:
            value = path[len(before) : len(path) - len(after)]
            if not (path.startswith(before) and path.endswith(after)) or not value or "/" in value:
                return None
            found[hole] = value
        elif path != before:
            return None
        for name, wanted in self.query.items():
            value = query.get(name, "")
            if hole_match := _HOLE.fullmatch(wanted):
                if not value or found.setdefault(hole_match[1], value) != value:
                    return None
            elif wanted != value:
                return None
        return found


class Targets:
    """Reads the new side of lines; remembers a bounded number of answers."""

    def __init__(self, context: Context) -> None:
        self._destinations = destinations = context.destinations
        self._hosts = context.hosts
        self._codes = {formality_id: code for code, formality_id in destinations.procedure_ids.items()}
        self._forms: dict[tuple[str, frozenset[str]], list[_Form]] = {}
        self._plain: dict[str, str] = {}  # host and path → destination, where nothing is to be filled
        self._followers: list[tuple[str, str]] = []  # (the address before {old_path}, destination)
        for destination in destinations.by_name.values():
            for form in destination.forms:
                self._learn(destination.name, form.template)
        self._remembered: dict[str, list[To]] = {}
        self._first_retired: dict[str, frozenset[str]] = {}  # portal → first segments of what is retired; "": all of it

    @property
    def allowed(self) -> str:
        """The hosts people may be sent to, for messages."""
        return ", ".join(sorted(self._destinations.guard.allowed_hosts))

    def to(self, url: str, *, old_path: str = "") -> list[To]:
        """The `to` of a rule that leads to this address from an exact old path.  Raises Refused."""
        if old_path:
            for before, name in self._followers:
                if url.startswith(before) and url[len(before) :] == old_path:
                    return [name]
        if (known := self._remembered.get(url)) is not None:
            return known
        found = self._found(url)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[url] = found
        return found

    def to_captured(self, url: str, captures: Mapping[str, bool], *, template: str) -> list[To]:
        """The same where the address holds {captures}; True marks those that may span segments."""
        if template and url.endswith(template_holes(template)):
            url = url.removesuffix(template_holes(template)) + _OLD_PATH
        for before, name in self._followers:
            if url == before + _OLD_PATH:
                return [name]
        used = [name for name in dict.fromkeys(_HOLE.findall(url)) if name != _OLD_PATH[1:-1]]
        if unknown := [name for name in used if name not in captures]:
            raise Refused(f"nothing captures {', '.join(unknown)}: {', '.join(captures) or 'no captures here'}")
        if not used:
            return self._found(url)
        named = self._named(*_parts(url), captured=True)
        if named is not None:
            return named
        in_query = f"{{{used[0]}}}" in url.partition("?")[2]
        if len(used) > 1 or (captures[used[0]] and not in_query):
            raise Refused(
                "what an expression captures can become one value of an address, not a path of it: write one line for "
                "each address, or lead to a named destination"
            )
        # An address takes its value under a parameter's name; a keyword is any text.
        admitted = self._admitted(url.replace(f"{{{used[0]}}}", "{keyword}"))
        return [{"url": admitted, "keyword": f"{{{used[0]}}}"}, HOME]

    def named(self, name: str, arguments: Mapping[str, str]) -> list[To]:
        """The `to` of a rule that names its destination.  Raises Refused."""
        if name not in self._destinations.by_name:
            raise Refused(f"there is no destination {name!r}: one of {', '.join(sorted(self._destinations.by_name))}")
        if not arguments:
            return [name]
        return [{"destination": name, **arguments}, self._fallback(name)]

    def _learn(self, name: str, template: str) -> None:
        if template.endswith(_OLD_PATH):
            self._followers.append((template.removesuffix(_OLD_PATH), name))
            return
        host, path, query = _parts(template)
        before, brace, rest = path.partition("{")
        hole, _, after = rest.partition("}")
        if not brace and not query:
            self._plain.setdefault(host + path, name)
            return
        form = _Form(name, (before, hole if brace else "", after), query)
        self._forms.setdefault((host, frozenset(query)), []).append(form)

    def _found(self, url: str) -> list[To]:
        if not url.startswith("https://"):
            raise Refused(self._not_https(url))
        if not url.isascii() or " " in url:
            url = quote(url, safe=_SAFE)
        return self._named(*_parts(url), captured=False) or [{"url": self._admitted(url)}]

    def _not_https(self, url: str) -> str:
        if not url:
            return "the new address is missing: write https://dichvucong.gov.vn/…, a destination, or the action gone"
        if url.lower().startswith("http:"):
            return f"the new address must be encrypted: write https://{url[len('http://') :][:100]}"
        return f"{url[:80]!r} is no whole address: write https://HOST/PATH on one of {self.allowed}"

    def _named(self, host: str, path: str, query: Mapping[str, str], *, captured: bool) -> list[To] | None:
        if not query and (name := self._plain.get(host + path)) is not None:
            return [name]
        for form in self._forms.get((host, frozenset(query) if query else _NOTHING_ASKED), ()):
            parameters = form.parameters(path, query)
            if parameters is not None and (arguments := self._arguments(parameters, captured=captured)) is not None:
                return self.named(form.name, arguments)
        return None

    def _arguments(self, parameters: Mapping[str, str], *, captured: bool) -> dict[str, str] | None:
        """The parameters as a rule writes them, or None where one is not of its form."""
        arguments: dict[str, str] = {}
        for name, value in parameters.items():
            if "{" in value and not (captured and _HOLE.fullmatch(value)):
                return None
            if name == "formality_id" and value in self._codes:
                arguments["code"] = self._codes[value]
            elif "{" in value or _of_its_form(name, value):
                arguments[name] = value
            else:
                return None
        return arguments

    def _plainly_admitted(self, url: str) -> bool:
        """What the guard would surely admit, told in a tenth of its time.  A property test holds it to the guard."""
        plain = _PLAIN.match(url)
        if plain is None or plain["host"] not in self._destinations.guard.allowed_hosts:
            return False
        scope = self._hosts.get(plain["host"])
        if scope is None:
            return True
        path = plain["path"].lower()
        # Of a portal that is closed in part, the first segment nearly always tells.
        if scope.id not in self._first_retired:
            self._first_retired[scope.id] = frozenset(prefix[0] if prefix else "" for prefix in scope.retired or ((),))
        firsts = self._first_retired[scope.id]
        if "" not in firsts and path[1:].partition("/")[0] not in firsts:
            return True
        return not scope.answers(tuple(path.split("/")[1:]))

    def _admitted(self, url: str) -> str:
        if self._plainly_admitted(url):
            return url
        url = url if "{" in url else quote(url, safe=_SAFE)
        try:
            self._destinations.guard.admit(_HOLE.sub(lambda match: "/x" if match[0] == _OLD_PATH else "x", url))
        except TargetRefused as error:
            raise Refused(f"nobody may be sent to {url[:100]!r} ({error}): allowed hosts are {self.allowed}") from None
        return url

    def _fallback(self, name: str) -> str:
        fallback = _FALLBACKS.get(name, HOME)
        known = self._destinations.by_name.get(fallback)
        return fallback if known is not None and any(not form.needs for form in known.forms) else HOME


def _of_its_form(parameter: str, value: str) -> bool:
    match parameter:
        case "formality_id":
            return _UUID.match(value) is not None
        case "code":
            return TYPES["procedure"].read(value) == value
    return True


def template_holes(template: str) -> str:
    """A template without its types: "/a/{first:path}" → "/a/{first}"."""
    return _TYPED.sub(r"{\1}", template)


def _parts(url: str) -> tuple[str, str, dict[str, str]]:
    """Host, path and query of an https address; no address of ours has a fragment or a name twice."""
    host, slash, rest = url[len("https://") :].partition("/")
    if slash and "?" not in rest and "#" not in rest and "%" not in rest:
        return host, "/" + rest, {}
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", {}
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if parts.fragment or len(query) < len(pairs):
        return "", "", {}
    return parts.netloc, parts.path or "/", query
