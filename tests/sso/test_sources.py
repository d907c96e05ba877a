"""A mistake is shown where it was made."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from redirect_rules.sources import lines_of
from sso.sources import ConfidentialDocument, Mistake, Mistakes, StrictModel, documents

TEXT = """\
id = "a" # first
"odd key" = 1

[table]
x.y = 2

[[list]]
n = 1
[[list]]
n = 2
"""


class Row(StrictModel):
    n: int
    secret: str = ""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("id",), 1),
        (("odd key",), 2),
        (("table",), 4),
        (("table", "x", "y"), 5),
        (("table", "x", "z"), 5),  # the nearest there is
        (("list", 1, "n"), 10),
        (("list", 0), 7),
        (("nowhere",), 0),
    ],
)
def test_a_place_has_its_line(place: tuple[str | int, ...], line: int) -> None:
    assert ConfidentialDocument("a.toml", TEXT, lines_of).line(place) == line


def test_where_nobody_finds_lines_the_whole_file_is_meant() -> None:
    assert str(ConfidentialDocument("a.toml", TEXT).mistake(("id",), "x")) == "a.toml: x"


def test_what_is_no_toml_is_said_with_its_line() -> None:
    with pytest.raises(Mistakes, match=r"a\.toml:2: not TOML"):
        ConfidentialDocument("a.toml", "a = 1\nb = = 2\n").data  # noqa: B018


def test_mistakes_are_told_in_order_and_once() -> None:
    one, two = Mistake("a", 2, "x"), Mistake("a", 1, "y")
    assert str(Mistakes([one, two, one])) == "a:1: y\na:2: x"
    assert str(Mistake("a", 0, "x")) == "a: x"


def test_a_message_never_repeats_what_was_given() -> None:
    document = ConfidentialDocument("a.toml", 'n = "hunter2"\nsecret = 7\nother = "hunter3"\n', lines_of)
    with pytest.raises(ValidationError) as caught:
        Row.model_validate(document.data)
    texts = [str(mistake) for mistake in document.mistakes_of(caught.value)]
    assert texts == [
        "a.toml:1: n: write a whole number",
        "a.toml:2: secret: write a text in quotes",
        "a.toml:3: other: unknown key: remove it, or correct its spelling",
    ]
    assert "hunter" not in str(caught.value)


def test_a_folder_gives_its_files_by_name(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", "README.md"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [document.source for document in documents(tmp_path)] == [
        f"{tmp_path.name}/a.toml",
        f"{tmp_path.name}/b.toml",
    ]
    assert documents(tmp_path / "none") == []


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Mistakes, match="save it as UTF-8"):
        documents(tmp_path)
