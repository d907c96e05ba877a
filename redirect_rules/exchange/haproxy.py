"""Map files → wishes: a key, white space, a value.  HAProxy's maps and Apache's RewriteMap txt files are both so."""

from collections.abc import Iterable, Iterator

from redirect_rules.exchange.cells import STATUSES
from redirect_rules.exchange.decoding import admitted
from redirect_rules.exchange.rows import ImportProblem, MatchKind, Refused, Wish, shown


def wishes(source: str, lines: Iterable[str]) -> Iterator[Wish | ImportProblem]:
    """What the entries ask for.  A key is a path, host/path or a URL; a value may begin with a status."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield _entry(number, admitted(line))
            except Refused as error:
                yield ImportProblem(source, number, str(error), shown(line))


def _entry(number: int, line: str) -> Wish:
    old, *values = line.split(None, 1)
    value = values[0].strip() if values else ""
    status, _, rest = value.partition(" ")
    cells = {"status": status} if status in STATUSES else {}
    new = rest.strip() if cells else value
    if not new and not STATUSES.get(status):
        raise Refused("an entry has a key and a value: /old https://HOST/PATH")
    if old.startswith(("*", "^")):
        raise Refused("a key is an address here, no expression: write it under old_url as ~EXPRESSION")
    return Wish(number, shown(line), old, new, MatchKind.EXACT, (), cells)
