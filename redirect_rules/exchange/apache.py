"""Apache configuration → wishes: Redirect, RedirectMatch, RedirectPermanent, RedirectTemp, and RewriteRule with [R].

Redirect knows a path and everything below it (mod_alias); so does the rule it becomes.  What stood below is not
appended to the target, unless old and new path are one.
"""

import re
from collections.abc import Iterable, Iterator

from redirect_rules.exchange.decoding import admitted
from redirect_rules.exchange.rows import ImportProblem, MatchKind, Refused, Wish, shown

_WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))""")
_STATUS = {"permanent": "301", "temp": "302", "seeother": "303", "gone": "410"}
_REDIRECTS = frozenset({"redirect", "redirectmatch", "redirectpermanent", "redirecttemp"})
_FORCED = {"redirectpermanent": "301", "redirecttemp": "302"}
_SERVER = re.compile(r"%\{([A-Z_:]+)\}")
_GONE = frozenset({"410", "403"})
_R_FLAG = re.compile(r"(?:R|redirect)(?:=(\w+))?\Z", re.IGNORECASE)
_OTHERS = {
    "rewritemap": "the table stands in another file: import that file by itself",
    "include": "the included file is not here: import it by itself",
    "includeoptional": "the included file is not here: import it by itself",
    "luahookfixups": "programs are not read: write one line for each address",
}


def wishes(source: str, lines: Iterable[str]) -> Iterator[Wish | ImportProblem]:
    """What the configuration asks for."""
    reader = _Reader(source)
    for number, line in _continued(lines):
        try:
            if (wish := reader.wish(number, admitted(line))) is not None:
                yield wish
        except Refused as error:
            yield ImportProblem(source, number, str(error), shown(line))


def _continued(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines joined where one ends in a backslash; a line that grows endless is cut by `admitted`."""
    held, first = "", 0
    for number, line in enumerate(lines, start=1):
        first = first or number
        if line.endswith("\\") and len(held) < 100_000:
            held += line[:-1]
            continue
        yield first, held + line
        held, first = "", 0
    if held:
        yield first, held


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._hosts: list[str] = []
        self._conditions: list[list[str]] = []

    def wish(self, number: int, line: str) -> Wish | None:
        words = _words(line)
        if not words or words[0].startswith("#"):
            return None
        name = words[0].lower()
        if name.startswith(("<virtualhost", "</virtualhost")):
            self._hosts = []
        elif name in {"servername", "serveralias"}:
            self._hosts += [host.partition("://")[2] or host for host in words[1:]]
        elif name == "rewritecond":
            self._conditions.append(words[1:])
        elif name == "rewriterule":
            return self._rewrite(number, line, words)
        elif name in _REDIRECTS:
            return self._redirect(number, line, name, words[1:])
        elif name in _OTHERS:
            raise Refused(_OTHERS[name])
        elif name.startswith("<if"):
            raise Refused("a condition is not read: write its lines alone, or with the parameters in old_url")
        return None

    def _redirect(self, number: int, line: str, name: str, words: list[str]) -> Wish:
        status = _FORCED.get(name, "302")
        if name not in _FORCED and words and (words[0].lower() in _STATUS or words[0].isdigit()):
            status = _STATUS.get(words[0].lower(), words[0])
            words = words[1:]
        if len(words) != (1 if status in _GONE else 2):
            raise Refused(f"{name} has a path and a new address: Redirect 301 /old https://HOST/PATH")
        old, new = words[0], words[1] if len(words) > 1 else ""
        kind = MatchKind.BELOW
        if name == "redirectmatch":
            old, kind = "~" + old, MatchKind.REGEX
        elif old.rstrip("/") and new.rstrip("/").endswith(old.rstrip("/")):
            new = new.rstrip("/").removesuffix(old.rstrip("/")) + "{old_path}"
        return self._made(number, line, old, new, status, kind)

    def _rewrite(self, number: int, line: str, words: list[str]) -> Wish | None:
        conditions, self._conditions = self._conditions, []
        if len(words) < 3:
            raise Refused("RewriteRule has an expression and a new address")
        _, pattern, new, *more = words
        flags = [flag.strip() for flag in "".join(more).strip("[]").split(",") if flag.strip()]
        status = next((found[1] or "302" for flag in flags if (found := _R_FLAG.match(flag))), "")
        if any(flag.lower() in {"g", "gone"} for flag in flags):
            status = "410"
        elif any(flag.lower() in {"f", "forbidden"} for flag in flags):
            status = "403"
        elif not status and not new.startswith(("http://", "https://")):
            raise Refused("an inner rewrite moves nobody: write the new address in full, https://HOST/PATH [R=301]")
        if conditions:
            raise Refused("RewriteCond is not read: write the line with its parameters in old_url, /path?name=value")
        # In a directory's context the path has no slash in front.
        if pattern.startswith("^/?"):
            pattern = "^/" + pattern.removeprefix("^/?")
        elif pattern.startswith("^") and not pattern.startswith(("^/", "^(/")):
            pattern = "^/" + pattern.removeprefix("^")
        ignore_case = any(flag.lower() in {"nc", "nocase"} for flag in flags)
        status = _STATUS.get(status.lower(), status) or "302"
        return self._made(
            number, line, "~" + pattern, new.removesuffix("?"), status, MatchKind.REGEX, ignore_case=ignore_case
        )

    def _made(
        self, number: int, line: str, old: str, new: str, status: str, kind: MatchKind, *, ignore_case: bool = False
    ) -> Wish:
        new = "" if status in _GONE else new.replace("%{REQUEST_URI}", "{old_path}")
        if match := _SERVER.search(new):
            raise Refused(f"{match[0]} is not known here: write the new address in full")
        cells = {"status": status}
        return Wish(number, shown(line), old, new, kind, tuple(self._hosts), cells, ignore_case)


def _words(line: str) -> list[str]:
    words, at = [], 0
    line = line.strip()
    while match := _WORD.match(line, at):
        at = match.end()
        words.append(next(word for word in match.groups() if word is not None))
    return [word.replace('\\"', '"') if '\\"' in word else word for word in words]
