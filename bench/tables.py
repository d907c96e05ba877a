"""RESULTS.md: a section for each measurement, so that one can be measured anew and the others stay."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bench.figures import Figure, Row, Skipped, Verdict, shown

TITLE: Final = "# Measured by `make bench`"
_HEADER: Final = "| what | target | median | range | unit | |\n|---|---|---|---|---|---|"
_BAR: Final = re.compile(r"(?<!\\)\|")
_SECTION: Final = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def line(row: Row) -> str:
    """One line of a table."""
    match row:
        case Skipped(what, why):
            return f"| {_cell(what)} | | | | | skipped: {_cell(why)} |"
        case Figure():
            least, most = min(row.values), max(row.values)
            spread = f"{shown(least)} to {shown(most)}" if len(row.values) > 1 else ""
            target = "" if row.target is None else str(row.target)
            says = "; ".join(filter(None, (_marked(row.verdict), row.note)))
            cells = row.what, target, shown(row.median), spread, row.unit, says
            return "| " + " | ".join(map(_cell, cells)) + " |"


def _marked(verdict: Verdict) -> str:
    return "**missed**" if verdict is Verdict.MISSED else verdict.value


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def section(name: str, about: str, rows: Iterable[Row], *, measured: str) -> str:
    """A measurement's section without its heading.

    measured  when and under what conditions, as one line
    """
    lines = "\n".join(map(line, rows))
    return f"{about}\n\n{measured}\n\n{_HEADER}\n{lines}\n"


def sections(text: str) -> dict[str, str]:
    """The sections of an earlier RESULTS.md by name; nothing from a file of another form."""
    if not text.startswith(TITLE):
        return {}
    return {name: body.strip() + "\n" for name, body in _SECTION.findall(text)}


def document(machine: Sequence[str], known: Mapping[str, str], *, order: Sequence[str]) -> str:
    """The whole file.

    known  section by name: those measured now over those measured before
    order  names as they should follow each other; sections of other names are left out
    """
    head = "\n".join(f"- {fact}" for fact in machine)
    told = {name: known[name].strip() for name in order if name in known}
    parts = [f"## {name}\n\n{body}\n" for name, body in told.items()]
    return "\n".join([TITLE, "", _PREFACE, "", head, "", balance(told), "", *parts])


def balance(known: Mapping[str, str]) -> str:
    """How many promises are kept, and which are not, of sections by name."""
    kept, missed = 0, []
    for name, body in known.items():
        for text in body.splitlines():
            match _BAR.split(text):
                case ["", what, _, _, _, _, says, ""] if says.strip().startswith(_marked(Verdict.MISSED)):
                    missed.append(f"- {name}: {what.strip()}")
                case ["", _, _, _, _, _, says, ""]:
                    kept += says.strip().startswith(Verdict.MET)
    told = f"Promises kept: {kept}; missed: {len(missed)}"
    return "\n".join([f"{told}:", "", *missed] if missed else [f"{told}."])


_PREFACE: Final = (
    "`make bench` writes this file. Servers stand on one processor, the load on the other; CPU is user and system\n"
    "time of all processes of a server; rounds of all contestants follow each other in turn, ratios are those of one\n"
    "round, and the median is compared with the target. Access logs are on and go to files; metrics are on where we\n"
    "answer."
)
