"""Every text a page asks for is there, and every text there is, is asked for."""

import re
from pathlib import Path

import jinja2
import pytest

from proxy import messages
from proxy.console.pages import MENU, ConsolePages

FOLDER = Path(__file__).parents[3] / "templates" / "console"
CODE = Path(__file__).parents[3] / "proxy" / "console"


def asked() -> set[str]:
    environment = jinja2.Environment(autoescape=True)
    # What fills the sentences of the library is asked for by proxy/console/spoken.py.
    found: set[str] = {"language.name", "trace."} | {f"menu.{place.key}" for place in MENU}
    for path in FOLDER.glob("*.html"):
        found |= messages.keys_asked(environment, path.read_text("utf-8"))
    return found


def test_no_text_is_missing_and_none_is_left_over() -> None:
    known = {key for texts in ConsolePages().texts.values() for key in texts._messages}
    wanted = asked()
    prefixes = {key for key in wanted if key.endswith(".")}
    assert {key for key in wanted if not key.endswith(".")} <= known
    assert all(any(key.startswith(prefix) for key in known) for prefix in prefixes)
    left_over = {key for key in known if key not in wanted and not key.startswith(tuple(prefixes))}
    assert not left_over


@pytest.mark.parametrize("section", ["notice", "mistake"])
def test_every_key_that_code_gives_stands_in_the_texts(section: str) -> None:
    texts = ConsolePages().texts["vi"]
    code = "\n".join(path.read_text("utf-8") for path in CODE.glob("*.py"))
    if section == "notice":
        given = set(re.findall(r'GoTo\([^)]*?, "([a-z-]+)"', code))
    else:
        wrong = re.findall(
            r'(?:wrong = |wrong\.append\(|Mistake\(|yield |_view\(call, \()\(?\("[a-z_-]+", "([a-z-]+)"\)', code
        )
        given = {
            *wrong,
            *re.findall(r'yield "[a-z_]+", "([a-z-]+)"', code),
            *re.findall(r'WeakPassword\("([a-z-]+)"\)', code),
        }
    assert given
    assert {key for key in given if f"{section}.{key}" not in texts} == set()


def test_both_languages_have_the_same_texts_and_places() -> None:
    texts = ConsolePages().texts
    vi, en = texts["vi"]._messages, texts["en"]._messages
    assert vi.keys() == en.keys()
    assert {key for key in vi if vi[key].names != en[key].names} == set()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.html")), ids=lambda path: path.name)
def test_no_page_marks_a_value_as_safe_or_carries_a_script_of_its_own(path: Path) -> None:
    source = path.read_text("utf-8")
    assert "|safe" not in source
    assert "autoescape false" not in source
    assert not re.search(r"<script(?! src)", source)
    assert not re.search(r"\son[a-z]+=", source)
    assert "style=" not in source.replace('rel="stylesheet"', "")
