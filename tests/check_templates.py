"""Check the shipped templates and messages: `python tests/check_templates.py`, part of `make check`.

Every message a template asks for is there, in Vietnamese and in English, with the same places to fill in; every
message there is is asked for; every template compiles, and fills in with a sample of every page and state.
Prints what is wrong, each with its file and key, and ends with 1.
"""

import importlib.resources
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, not as a module

import jinja2  # noqa: E402
from jinja2 import nodes  # noqa: E402

from proxy import layouts, messages  # noqa: E402
from proxy.messages import ASKED_BY_CODE, DEFAULT_LANGUAGE, Message, MessageFile  # noqa: E402
from proxy.pages import Pages, PagesError  # noqa: E402
from tests.browser.samples import SAMPLES  # noqa: E402

COMPLETE = (DEFAULT_LANGUAGE, "en")
DESTINATIONS = ROOT / "conf" / "destinations.toml"


def main() -> int:
    """Check everything; the number is the exit code."""
    problems = list(all_problems())
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} mistakes in templates and messages", file=sys.stderr)
        return 1
    print(f"templates and messages: {len(SAMPLES)} sample pages in {len(COMPLETE)} languages, nothing wrong")
    return 0


def all_problems() -> Iterator[str]:
    """Everything wrong, cheapest first; pages are not tried while their parts are broken."""
    files = {language: shipped(language) for language in COMPLETE}
    found = [*language_problems(files), *template_problems(files[DEFAULT_LANGUAGE])]
    yield from found or rendering_problems()
    yield from destination_problems(files[DEFAULT_LANGUAGE].messages)


def shipped(language: str) -> MessageFile:
    """One shipped file of messages."""
    path = f"{layouts.PACKAGE}/messages/{language}.toml"
    text = (importlib.resources.files(layouts.PACKAGE) / "messages" / f"{language}.toml").read_text("utf-8")
    return messages.read(path, text)


def language_problems(files: Mapping[str, MessageFile]) -> Iterator[str]:
    """What one language says and another does not."""
    reference = files[DEFAULT_LANGUAGE]
    for file in files.values():
        yield from messages.problems_against(file, reference.messages)
        for key, message in reference.messages.items():
            if key not in file.messages:
                yield f"{file.source}: {key}: missing"
            elif left_out := message.names - file.messages[key].names:
                yield f"{file.source}: {key}: {', '.join(f'{{{name}}}' for name in sorted(left_out))} left out"


def template_problems(reference: MessageFile) -> Iterator[str]:
    """Templates that do not compile, or ask for what is not there; and messages nobody asks for."""
    environment = layouts.environment_for()
    asked = set(ASKED_BY_CODE)
    folder = ROOT / layouts.PACKAGE
    yield from layouts.template_problems(environment, folder, reference.messages)
    for path in sorted(set(folder.rglob("*.html")) - set((folder / layouts.CONSOLE).rglob("*.html"))):
        source = path.read_text("utf-8")
        try:
            asked |= messages.keys_asked(environment, source)
            yield from unfilled(environment, path, source, reference.messages)
        except (jinja2.TemplateSyntaxError, ValueError):
            continue  # told above
    prefixes = tuple(key for key in asked if key.endswith("."))
    for key in reference.messages:
        if key not in asked and not key.startswith(prefixes):
            yield f"{reference.source}: {key}: no template asks for it"


def unfilled(
    environment: jinja2.Environment, path: Path, source: str, reference: Mapping[str, Message]
) -> Iterator[str]:
    """Messages that a template asks for without saying what goes into their places, or with too much."""
    for call in environment.parse(source).find_all(nodes.Call):
        match call:
            case nodes.Call(node=nodes.Name(name="t"), args=[nodes.Const(value=key), *_], kwargs=given):
                names = reference[key].names if key in reference else frozenset()
                if names ^ {pair.key for pair in given}:
                    yield f"{path}:{call.lineno}: {key}: has the places {sorted(names)}, given {[p.key for p in given]}"


def rendering_problems() -> Iterator[str]:
    """Sample pages that cannot be filled in."""
    try:
        pages = Pages()
    except PagesError as error:
        yield from error.problems
        return
    for name, view in SAMPLES.items():
        for language in COMPLETE:
            try:
                pages.render(view, language)
            except (jinja2.TemplateError, KeyError, ValueError) as error:
                yield f"sample {name} in {language}: {type(error).__name__}: {error}"


def destination_problems(reference: Mapping[str, Message]) -> Iterator[str]:
    """Destinations that a page could not name."""
    for destination in tomllib.loads(DESTINATIONS.read_text("utf-8"))["destination"]:
        if f"destination.{destination['name']}" not in reference:
            yield f"{DESTINATIONS.name}: {destination['name']}: no message destination.{destination['name']}"


if __name__ == "__main__":
    sys.exit(main())
