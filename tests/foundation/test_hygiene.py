"""Promises that hold for the project as a whole, and that no single module could keep."""

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MACHINE = re.compile(r"(?<![\w}./-])/(?:work|root|home)/\w")
# Split, so that this file does not name what no file may name.
OUTSIDE = (".." + "/shared", "pypi.org" + "/simple", "files." + "pythonhosted.org", "registry." + "npmjs.org")

UNPAIRED: Mapping[str, str] = {
    **{
        f"proxy/commands/{name}.py": "tests/proxy/test_cli.py calls it as people do"
        for name in ("explain", "locality", "replay", "test")
    },
    **{
        f"proxy/commands/{name}.py": "tests/proxy/commands/test_rules.py calls it as people do"
        for name in (
            *(
                "audit",
                "progress",
                "workspaces",
                "rules/drafts",
                "rules/exporting",
                "rules/importing",
                "rules/publishing",
            ),
            *("rules/switching", "rules/verbs"),
        )
    },
    **{
        f"proxy/console/{name}_pages.py": "tests/proxy/console/test_whole.py opens and sends each of its routes"
        for name in (
            *(
                "audit",
                "bulk",
                "drafts",
                "explain",
                "import",
                "objects",
                "readiness",
                "rule",
                "work",
            ),
        )
    },
    **{
        f"proxy/console/{name}.py": "tests/proxy/console/test_api.py asks all that its description allows"
        for name in (
            *(
                "api_drafts",
                "api_endpoints",
                "api_models",
                "api_operations",
                "api_people",
                "api_records",
            ),
            *("api_register_models", "api_rules", "api_sign_in_models", "api_work"),
        )
    },
    "proxy/console/app.py": "tests/proxy/console/test_entrance.py and test_whole.py stand before its socket",
    "proxy/console/views.py": "values without behaviour; tests/proxy/console/test_whole.py fills each into its page",
    "proxy/commands/serve.py": "tests/proxy/test_serve.py starts it as a process",
    "proxy/__main__.py": "one call; tests/foundation/test_wheel.py makes it",
    "proxy/simulation/__main__.py": "tests/proxy/simulation/test_server.py and test_beside.py start it as a process",
    "proxy/gate_answers.py": "values without behaviour; tests/proxy/test_gate.py sees each of them answered",
    "proxy/views.py": "values without behaviour; tests/proxy/test_pages.py fills each into its page",
}
"""Modules without a test file of their own name, each with its reason."""

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
HEADINGS = ["Context", "Decision", "What people see", "Risks", "Alternatives"]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def modules_where(sources: Mapping[Path, ast.Module], holds: Callable[[ast.AST], bool]) -> set[str]:
    """The modules with a node of which something holds."""
    return {path.as_posix() for path, tree in sources.items() if any(holds(node) for node in ast.walk(tree))}


def names_header(node: ast.AST, header: str) -> bool:
    """Whether a node spells a header: its name, a line of it as bytes or text, or aiohttp's constant for it."""
    match node:
        case ast.Constant(value=str() | bytes() as value):
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            return re.search(rf"(?:\A|\r\n){header}(?:\Z|:)", text, re.IGNORECASE) is not None
        case ast.Attribute(attr=name) | ast.alias(name=name):
            return name == header.upper()
    return False


def reads_host(node: ast.AST) -> bool:
    """Whether a node takes the Host header from a request: by name from headers, or as a property of the request."""
    match node:
        case ast.Subscript(value=headers, slice=name, ctx=ast.Load()):
            return speaks_of_headers(headers) and names_header(name, "host")
        case ast.Call(func=ast.Attribute(value=headers, attr="get" | "getall" | "getone"), args=[name, *_]):
            return speaks_of_headers(headers) and names_header(name, "host")
        case ast.Attribute(value=request, attr="host" | "url"):
            return ast.unparse(request).lower().endswith(("request", "req"))
    return False


def speaks_of_headers(node: ast.expr) -> bool:
    return "headers" in ast.unparse(node).lower()


def test_no_file_names_a_place_outside_the_project(root: Path, files: list[Path]) -> None:
    found = [
        f"{path}: {name}"
        for path in files
        for text in [text_of(root / path)]
        for name in [*MACHINE.findall(text), *(outside for outside in OUTSIDE if outside in text)]
    ]
    assert not found


def test_every_module_has_a_test_file_of_its_name(sources: Mapping[Path, ast.Module], files: list[Path]) -> None:
    unpaired = {
        path.as_posix()
        for path in sources
        if path.parts[0] in {"proxy", "redirect_rules"} and path.name != "__init__.py"
        if Path("tests") / path.parent / f"test_{path.name}" not in files
    }
    assert not unpaired - set(UNPAIRED), "without a test file: " + ", ".join(sorted(unpaired - set(UNPAIRED)))
    assert set(UNPAIRED) <= unpaired, "an exception that is none any more"


def test_location_is_written_in_one_place(sources: Mapping[Path, ast.Module]) -> None:
    # What passes keeps the upstream's own words: they are repeated, rewritten by policy, and never made of our own.
    passing = {"proxy/passing/fields.py", "proxy/passing/locations.py"}
    # The check of all clients follows them, as a browser does.
    passing |= {"proxy/walker.py"}
    # An application of its own on an address of its own, whose pages lead to each other and nowhere else.
    console = {"proxy/console/app.py"}
    written = modules_where(sources, lambda node: names_header(node, "location"))
    assert written == {"proxy/responses.py"} | passing | console


def test_the_host_header_is_read_in_one_place(sources: Mapping[Path, ast.Module]) -> None:
    read = modules_where(sources, reads_host)
    # Nobody's portal: the console compares the header with Origin, and makes nothing of it.
    assert {path for path in read if path.startswith("proxy/console/")} == {"proxy/console/app.py"}
    assert len(read - {"proxy/console/app.py"}) == 1


def test_nobody_is_moved_by_a_refresh(sources: Mapping[Path, ast.Module], root: Path, files: list[Path]) -> None:
    # WCAG 2.2 §2.2.1, failures F40 and F58: docs/decisions/0005.
    # A province's own page may say so; it passes, its address rewritten.  In sign-in it is a kind of token.
    others = {"proxy/passing/locations.py", "proxy/login/exchange.py", "sso/tokens.py"}
    assert modules_where(sources, lambda node: names_header(node, "refresh")) <= others
    pages = [path for path in files if path.parts[0] == "templates" and path.suffix == ".html"]
    assert not [path for path in pages if re.search(r"http-equiv=\W?refresh", text_of(root / path), re.IGNORECASE)]


def test_links_between_documents_lead_somewhere(root: Path, files: list[Path]) -> None:
    broken = [
        f"{path}: {link}"
        for path in files
        if path.suffix == ".md"
        for link in LINK.findall(text_of(root / path))
        if not (root / path.parent / link).exists()
    ]
    assert not broken


def test_every_decision_is_in_the_index_under_its_title(root: Path) -> None:
    folder = root / "docs" / "decisions"
    pages = sorted(path for path in folder.iterdir() if path.name != "README.md")
    index = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| ", text_of(folder / "README.md"), re.MULTILINE)
    assert index == [(page.name[:4], page.name, text_of(page).partition("\n")[0].partition(": ")[2]) for page in pages]
    assert [number for number, _, _ in index] == [f"{number:04}" for number in range(1, len(index) + 1)]


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_decision_weighs_what_a_decision_must(root: Path, heading: str) -> None:
    pages = (path for path in (root / "docs" / "decisions").iterdir() if path.name != "README.md")
    assert not [page.name for page in pages if f"\n## {heading}\n" not in text_of(page)]
