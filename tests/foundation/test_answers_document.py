"""docs/answers.md is drawn from the table that decides."""

import re
from pathlib import Path

from redirect_rules.answers import TABLE, Situation

DOCUMENT = Path(__file__).parent.parent.parent / "docs/answers.md"
CELL = re.compile(r"[A-Za-z]+")


def drawn() -> str:
    """The table as Markdown; print it to mend the document."""
    lines = ["| | " + " | ".join(Situation) + " |", "|---" * (len(Situation) + 1) + "|"]
    for asker, cells in TABLE.items():
        shown = (
            re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(cell).__name__).lower() + _detail(repr(cell)) for cell in cells
        )
        lines.append(f"| **{asker}** | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _detail(cell: str) -> str:
    inside = cell.partition("(")[2].removesuffix(")")
    said = [part for part in inside.split(", ") if part and not part.endswith(("=False", "=None"))]
    return f" ({', '.join(part.removesuffix('=True').replace('=', ' ') for part in said)})" if said else ""


def test_the_document_shows_the_table_that_decides() -> None:
    assert drawn() in DOCUMENT.read_text("utf-8"), f"put this into docs/answers.md:\n{drawn()}"
