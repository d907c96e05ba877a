"""nginx configuration → wishes: `map` blocks, `rewrite`, and `return` in a location.

The words of the language are read as nginx reads them (tokens, quotes, blocks).  Directives that send nobody anywhere
(`listen`, `ssl_certificate`, …) are not asked about; those that could, and cannot be said here, are problems.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from redirect_rules.exchange.decoding import admitted
from redirect_rules.exchange.rows import ImportProblem, MatchKind, Refused, Wish, shown

_TOKEN = re.compile(
    r"""\s+|\#.*|(?P<end>[;{}])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<word>[^\s;{"'\#](?:\$\{\w*\}|\\.|[^\s;{\\])*)"""
)
_ESCAPE = re.compile(r"\\([\"' \\tnr])")
_OLD_PATH = re.compile(r"\$\{?(?:request_uri|uri|document_uri)\}?(?=\Z|\$is_args|\?)")
_QUERY = re.compile(r"\$\{?is_args\}?\$\{?(?:args|query_string)\}?\Z")
_VARIABLE = re.compile(r"\$\{?([a-z_]\w*)\}?", re.ASCII)
_PLACE = re.compile(r"location (?:(?P<sign>=|~\*?|\^~) )?(?P<path>.+)")
_REDIRECTS = frozenset({"301", "302", "303", "307", "308"})
_SPECIAL = frozenset({"default", "hostnames", "volatile"})
_PROGRAMS = re.compile(r".*_by_lua(?:_block|_file)?\Z|js_\w+\Z|perl\w*\Z")
_OTHERS = {
    "include": "the included file is not here: import it by itself",
    "if": "a condition is not read: write the line with its parameters in old_url, /path?name=value",
    "error_page": "an error page is not an address: leave it out",
}
_MOST_WORDS = 1_000


@dataclass
class _Block:
    """An open { with the words before it."""

    words: list[str]
    line: int
    hosts: list[str] = field(default_factory=list)


def wishes(source: str, lines: Iterable[str]) -> Iterator[Wish | ImportProblem]:
    """What the configuration asks for."""
    return _Reader(source).read(lines)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._blocks: list[_Block] = []
        self._words: list[str] = []
        self._first_line = 0
        self._text = ""

    def read(self, lines: Iterable[str]) -> Iterator[Wish | ImportProblem]:
        for number, line in enumerate(lines, start=1):
            try:
                yield from self._line(number, line)
            except Refused as error:
                self._words = []
                yield self._problem(number, line, str(error))
        if self._words or self._blocks:
            at = self._first_line if self._words else self._blocks[-1].line
            yield self._problem(at, self._text, "the file ends before its ; or }: add what is missing")

    def _line(self, number: int, line: str) -> Iterator[Wish | ImportProblem]:
        admitted(line)
        at = 0
        while at < len(line):
            token = _TOKEN.match(line, at)
            if token is None:
                raise Refused("a quotation mark is not closed on this line: close it, or write the text on one line")
            at = token.end()
            if token["end"]:
                yield from self._ended(token["end"], number, line)
                continue
            word = next(
                (_ESCAPE.sub(r"\1", q) for q in (token["double"], token["single"]) if q is not None), token["word"]
            )
            if word is not None:
                if not self._words:
                    self._first_line, self._text = number, line
                self._words.append(word)
                if len(self._words) > _MOST_WORDS:
                    raise Refused("a directive without an end: add its ;")

    def _ended(self, end: str, number: int, line: str) -> Iterator[Wish | ImportProblem]:
        words, self._words = self._words, []
        if end == "{":
            self._blocks.append(_Block(words, number))
            if words and (say := _reason(words[0])):
                yield self._problem(number, line, say)
        elif end == "}":
            if self._blocks:
                self._blocks.pop()
        elif words:
            yield from self._directive(words)

    def _directive(self, words: list[str]) -> Iterator[Wish | ImportProblem]:
        inner = self._blocks[-1].words if self._blocks else []
        try:
            if any(block.words[:1] and _reason(block.words[0]) for block in self._blocks):
                return  # told where the block began
            if inner[:1] == ["map"]:
                yield from self._entry(words)
            elif words[0] == "server_name":
                self._server().hosts += [name for name in words[1:] if "." in name]
            elif words[0] == "rewrite":
                yield self._rewrite(words)
            elif words[0] == "return":
                yield from self._return(words, inner)
            elif say := _reason(words[0]):
                yield self._problem(self._first_line, self._text, say)
        except Refused as error:
            yield self._problem(self._first_line, self._text, str(error))

    def _server(self) -> _Block:
        if not self._blocks:
            raise Refused("server_name stands in no block: put it into a server block")
        return self._blocks[-1]

    def _entry(self, words: list[str]) -> Iterator[Wish]:
        if words[0] in _SPECIAL:
            if words[0] == "default" and words[1:] not in ([], [""], ["0"]) and not words[1].startswith("$"):
                raise Refused("a default leads every other address away: write a template, /{rest:path}")
            return
        if words[0] == "include":
            raise Refused(_OTHERS["include"])
        if len(words) != 2:
            raise Refused("an entry of a map has two words: the old address, the new one")
        old, new = words
        if old.startswith("~"):
            ignore_case = old.startswith("~*")
            yield self._wish("~" + old.lstrip("~").removeprefix("*"), new, MatchKind.REGEX, ignore_case=ignore_case)
        else:
            yield self._wish(old.removeprefix("\\"), new)

    def _rewrite(self, words: list[str]) -> Wish:
        if len(words) not in {3, 4}:
            raise Refused("rewrite has an expression, a replacement and perhaps a flag")
        _, pattern, new, *flag = words
        if not new.startswith(("http://", "https://", "$scheme")) and flag not in (["permanent"], ["redirect"]):
            raise Refused("an inner rewrite moves nobody: write the new address in full, https://HOST/PATH")
        return self._wish("~" + pattern, new.removesuffix("?"), MatchKind.REGEX)

    def _return(self, words: list[str], inner: list[str]) -> Iterator[Wish]:
        if len(words) < 2:
            raise Refused("return has a status or an address")
        status, new = (words[1], " ".join(words[2:])) if words[1].isdigit() else ("302", words[-1])
        if status not in _REDIRECTS and status not in {"410", "403"}:
            if status in {"404", "444", "200", "204"}:
                return
            raise Refused(f"return {status} says nothing here: write 301, 302, 410 or 403")
        if inner[:1] == ["server"] or not inner:
            yield self._wish("/", new, MatchKind.BELOW, status=status)
            return
        place = _PLACE.match(" ".join(inner))
        if place is None:
            raise Refused("return stands in a block that is not read: put it into a location")
        sign, path = place["sign"] or "", place["path"]
        match sign:
            case "=":
                yield self._wish(path, new, status=status)
            case "~" | "~*":
                yield self._wish("~" + path, new, MatchKind.REGEX, ignore_case=sign == "~*", status=status)
            case _:
                yield self._wish(path, new, MatchKind.BELOW, status=status)

    def _wish(
        self, old: str, new: str, kind: MatchKind = MatchKind.EXACT, *, ignore_case: bool = False, status: str = ""
    ) -> Wish:
        hosts = next((tuple(block.hosts) for block in reversed(self._blocks) if block.hosts), ())
        moved = _with_old_path(new, groups=kind is MatchKind.REGEX) if status not in {"410", "403"} else ""
        cells = {"status": status} if status else {}
        return Wish(self._first_line, shown(self._text), old, moved, kind, hosts, cells, ignore_case)

    def _problem(self, number: int, text: str, say: str) -> ImportProblem:
        return ImportProblem(self._source, number, say, shown(text))


def _reason(directive: str) -> str:
    """Why a directive cannot be read, or "" where it sends nobody anywhere."""
    if _PROGRAMS.match(directive):
        return "a program decides here, and programs are not read: write one line for each address it knows"
    return _OTHERS.get(directive, "")


def _with_old_path(new: str, *, groups: bool) -> str:
    """A target without nginx's variables; groups of the expression stay."""
    new = _QUERY.sub("", new.replace("$scheme://", "https://").replace("${scheme}://", "https://"))
    new = _OLD_PATH.sub("{old_path}", new)
    if not groups and (match := _VARIABLE.search(new)):
        raise Refused(f"${match[1]} is not known here: write the new address in full")
    return new
