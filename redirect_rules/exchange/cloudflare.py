"""Cloudflare's bulk redirect lists in JSON → wishes, item by item.  Their CSV has no header: `tabular` knows it.

An item is {"redirect": {"source_url": …, "target_url": …, "status_code": 301, …}}, or the inner object alone; a list
may stand under "items" or "result", as the API answers.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from redirect_rules.exchange.decoding import LONGEST_LINE
from redirect_rules.exchange.rows import ImportProblem, MatchKind, Refused, Wish, shown

_FEW = 8  # lines: an item as people indent it
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s,]*")
_LIST = re.compile(r'\s*(?:\{[^\[\]]{0,2000}?"(?:items|result|redirects)"\s*:\s*)?\[')
_WORDS = ("preserve_query_string", "include_subdomains", "subpath_matching", "preserve_path_suffix")


def wishes(source: str, lines: Iterable[str]) -> Iterator[Wish | ImportProblem]:
    """What the items ask for; a broken item ends the reading, for nobody knows where the next begins."""
    text = _Text(lines)
    try:
        text.open()
        while (found := text.item()) is not None:
            line, item = found
            try:
                yield _wish(line, item)
            except Refused as error:
                yield ImportProblem(source, line, str(error), shown(json.dumps(item, ensure_ascii=False)))
    except Refused as error:
        yield ImportProblem(source, text.line, str(error))


class _Text:
    """A window over the lines that moves from item to item."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._held = ""
        self._at = 0
        self._step = _FEW
        self.line = 1

    def open(self) -> None:
        while (match := _LIST.match(self._held)) is None:
            if not self._more():
                raise Refused('this is no list: write [{"redirect": {"source_url": …, "target_url": …}}]')
        self._advance(match.end())

    def item(self) -> tuple[int, Any] | None:
        while True:
            space = _SPACE.match(self._held, self._at)
            self._advance(space.end() if space else self._at)
            if self._at < len(self._held):
                if self._held[self._at] == "]":
                    return None
                try:
                    item, end = _DECODER.raw_decode(self._held, self._at)
                except RecursionError:
                    raise Refused("the item is nested too deeply: write source_url and target_url") from None
                except ValueError:
                    item, end = None, -1
                if end >= 0:
                    line = self.line
                    self._advance(end)
                    self._step = _FEW
                    return line, item
            if not self._more():
                raise Refused("the list ends in the middle of an item: is the file whole?")

    def _more(self) -> bool:
        """Hold some lines more."""
        taken = [line for _, line in zip(range(self._step), self._lines, strict=False)]
        self._step *= 2  # until an item is whole: what was looked at is looked at again
        self._held = self._held[self._at :] + "".join(line + "\n" for line in taken)
        self._at = 0
        if len(self._held) > 10 * LONGEST_LINE:
            raise Refused("an item is longer than any redirect: is the file a list of redirects?")
        return bool(taken)

    def _advance(self, to: int) -> None:
        self.line += self._held.count("\n", self._at, to)
        self._at = to


def _wish(line: int, item: Any) -> Wish:
    redirect = item.get("redirect", item) if isinstance(item, dict) else None
    if not isinstance(redirect, dict) or not isinstance(redirect.get("source_url"), str):
        raise Refused('an item has {"source_url": …, "target_url": …, "status_code": 301}')
    cells = {"status": str(redirect.get("status_code", 301))}
    cells |= {word: "true" for word in _WORDS if redirect.get(word) in {True, "true", "enabled"}}
    if isinstance(comment := item.get("comment"), str):
        cells["note"] = comment
    text = json.dumps(redirect, ensure_ascii=False)
    kind = MatchKind.BELOW if "subpath_matching" in cells else MatchKind.EXACT
    return Wish(line, shown(text), redirect["source_url"], str(redirect.get("target_url", "")), kind, (), cells)
