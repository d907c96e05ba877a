"""docs/exchange.md, example by example; and how a format is told."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.exchange.cells import ACTIONS
from redirect_rules.exchange.headers import COLUMNS
from redirect_rules.exchange.reading import Format, format_of, read_rules
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem, Refused

DOCUMENT = (Path(__file__).parents[3] / "docs/exchange.md").read_text("utf-8")
EXAMPLES = re.findall(r"```([a-z-]+)\n(.*?)```\n\n```becomes\n(.*?)```", DOCUMENT, re.DOTALL)
NGINX_MAP = 6
"""The last line of the map in the example."""
Read = Callable[..., list[ImportedRow | ImportProblem]]


def goal(to: str | Mapping[str, str]) -> str:
    if isinstance(to, str):
        return to
    if "url" in to:
        return to["url"]
    return " ".join([to["destination"], *(f"{name}={text}" for name, text in to.items() if name != "destination")])


def in_words(row: ImportedRow | ImportProblem) -> str:
    if isinstance(row, ImportProblem):
        return f"{row.line} {row.say}"
    to = ", ".join(map(goal, row.rule.get("to", [])))  # type: ignore[call-overload]
    return f"{row.line} {row.key} → {row.rule['action']} {to}".strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{form}" for i, (form, _, _) in enumerate(EXAMPLES, 1)])
def test_an_example_of_the_manual_becomes_what_it_says(example: tuple[str, str, str], read: Read) -> None:
    file_format, text, becomes = example
    # In nginx's example the map is for the portal that is named, the server block for another.
    given = read(text, portal="langson" if "langson" in becomes else None, file_format=file_format)
    others = [row for row in read(text, portal=None, file_format=file_format) if row.line > NGINX_MAP]
    if file_format == "nginx":
        given = [row for row in given if row.line <= NGINX_MAP] + others
    assert [in_words(row) for row in given] == becomes.splitlines()


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{form}" for i, (form, _, _) in enumerate(EXAMPLES, 1)])
def test_the_format_of_an_example_is_told_from_its_content(example: tuple[str, str, str]) -> None:
    told = format_of(example[1].encode(), "list.txt")
    # A table of two words a line is a HAProxy map and a RewriteMap alike; Cloudflare's CSV is a CSV.
    alike = {"rewritemap": Format.HAPROXY, "cloudflare-csv": Format.CSV}
    assert told == alike.get(example[0], example[0])


def test_every_format_has_an_example() -> None:
    assert {form for form, _, _ in EXAMPLES} == set(Format) - {Format.XLSX}


@pytest.mark.parametrize("name", sorted({name for names in COLUMNS.values() for name in names}))
def test_every_name_of_a_column_is_in_the_manual(name: str) -> None:
    assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize("word", sorted({word for words in ACTIONS.values() for word in words}))
def test_every_word_for_an_action_is_in_the_manual(word: str) -> None:
    assert re.search(rf"[`( ]{word}[`),]", DOCUMENT)


# first bytes                                  name          format
TOLD = [
    (b"PK\x03\x04....", "x.csv", "xlsx"),
    (b"a,b\n", "x.csv", "csv"),
    (b"old_url\tnew_url\n", "x.txt", "csv"),
    (b"", "", "csv"),
    (b"\xff\xfeo\x00l\x00d\x00", "x", "csv"),
    (b"# comment\nRedirect /a https://h/b\n", "x", "apache"),
    (b"<VirtualHost *:80>\n", "x", "apache"),
    (b"/a https://h/b;\n", "x.map", "nginx"),
    (b"/a https://h/b\n", "x.map", "haproxy"),
    (b"h.vn/a https://h/b\n", "x", "haproxy"),
    (b"location = /a { return 301 https://h/; }", "x", "nginx"),
    (b"  [\n{", "x", "cloudflare"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "name", "file_format"), TOLD)
def test_a_format_is_told(head: bytes, name: str, file_format: str) -> None:
    assert format_of(head, name) == file_format


def test_an_excel_file_of_old_is_named_for_what_it_is() -> None:
    with pytest.raises(Refused, match="save it as"):
        format_of(b"\xd0\xcf\x11\xe0\xa1\xb1", "x.xls")


# what is wrong                         said
@pytest.mark.parametrize(
    ("more", "say"),
    [
        ({"portal": "langsn"}, "there is no portal 'langsn': langson"),
        ({"file_format": "pdf"}, "'pdf' is no format: choose one of csv, xlsx"),
    ],
)
def test_a_question_that_makes_no_sense_is_one_problem_of_the_whole(
    more: Mapping[str, str], say: str, read: Read
) -> None:
    (problem,) = read("old_url,new_url\n", **more)
    assert isinstance(problem, ImportProblem)
    assert say in str(problem)
    assert problem.line == 0


def test_a_problem_names_file_line_and_what_stands_there(read: Read) -> None:
    (problem,) = read("old_url,new_url\n/a,\n", name="danh-sach.csv")
    assert isinstance(problem, ImportProblem)
    assert str(problem).startswith("danh-sach.csv:2: the new address is missing")
    assert problem.text == "/a,"


def test_reading_streams(context: Context) -> None:
    """The first row is there before the second block is asked for."""

    def blocks() -> object:
        yield b"old_url,new_url\n" + b"/a,https://dichvucong.gov.vn/\n" * 1_000
        raise AssertionError("read ahead")

    rows = read_rules(blocks(), name="x", portal="langson", context=context)  # type: ignore[arg-type]
    assert isinstance(next(rows), ImportedRow)


HOSTILE = ["map $u $n {", "}", ";", '"', "'", "\\", "~^/(a", "{x:", "[", '{"source_url":"/a"', "Redirect ", "\x00", "\ud7ff",
           "/a", "https://", "\n", "\t", ",", "=", "$1", "%zz", "{old_path}", "[1]", "old_url,new_url,tags,query,destination\n",
           "return 301 ", "location ", "rewrite ", "RewriteRule ", "https://dichvucong.gov.vn/", "\u0301", "ộ"]  # fmt: skip


@given(st.sampled_from(Format), st.lists(st.sampled_from(HOSTILE), max_size=20).map("".join) | st.text(max_size=60))
def test_nothing_that_stands_in_a_file_stops_the_reading(context: Context, file_format: Format, text: str) -> None:
    octets = text.encode("utf-8", "surrogatepass")
    for row in read_rules(octets, name="x", portal="langson", context=context, file_format=file_format):
        assert isinstance(row, ImportedRow | ImportProblem)


@given(st.sampled_from(Format), st.binary(max_size=100))
def test_nor_do_any_octets(context: Context, file_format: Format, octets: bytes) -> None:
    for row in read_rules(octets, name="x", portal="langson", context=context, file_format=file_format):
        assert isinstance(row, ImportedRow | ImportProblem)
