"""axe-core finds nothing: on any page, in any state, in any look, with JavaScript and without."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

import pytest
from playwright.async_api import Route, ViewportSize

from proxy.views import Notice, NotSent
from tests.browser.conftest import NewVisitor, Visitor
from tests.browser.samples import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("axe")]

Scheme: TypeAlias = Literal["light", "dark"]
Forced: TypeAlias = Literal["none", "active"]

WIDE: Final[ViewportSize] = {"width": 1024, "height": 768}
NARROW: Final[ViewportSize] = {"width": 320, "height": 568}

# Everything axe knows, the best practices included.  Contrast is measured once, by the stricter rule of level AAA: 7 to 1.
EVERYTHING = """{resultTypes: ['violations'], selectors: false, rules: {
    'color-contrast': {enabled: false}, 'color-contrast-enhanced': {enabled: true},
    'target-size': {enabled: true}, 'link-in-text-block': {enabled: true}, 'identical-links-same-purpose': {enabled: true}
}}"""

# Another look has other colours and places, and the same elements, names and order: only what can differ is asked again.
LOOKS = """{resultTypes: ['violations'], selectors: false, runOnly: [
    'color-contrast-enhanced', 'target-size', 'link-in-text-block', 'scrollable-region-focusable', 'css-orientation-lock'
]}"""

RUN = """() => axe.run(document, %s).then(
    found => found.violations.map(rule => rule.id + ': ' + rule.nodes.map(node => node.html).join(' | ')))"""

#: Names of pages in Vietnamese; English has the same elements, and is looked at for its own words and languages.
LANGUAGES = {
    "vi": tuple(SAMPLES),
    "en": ("notice-named", "notice-ask", "notice-chosen", "results", "not-sent", "trouble-no-upstream"),
}
PAGES = [(name, language) for language, names in LANGUAGES.items() for name in names]


#: Size, colour scheme and forced colours.
LOOKS_OF_A_PAGE: Mapping[str, tuple[ViewportSize, Scheme, Forced]] = {
    "narrow": (NARROW, "light", "none"),
    "light": (WIDE, "light", "none"),
    "dark": (WIDE, "dark", "none"),
    "forced colours": (WIDE, "light", "active"),
}


async def findings(visitor: Visitor, looks: Iterable[str] = tuple(LOOKS_OF_A_PAGE)) -> dict[str, list[str]]:
    """What axe says of the page as it stands, in every look."""
    page = visitor.page
    found: dict[str, list[str]] = {}
    for look in looks:
        size, colours, forced = LOOKS_OF_A_PAGE[look]
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme=colours, forced_colors=forced)
        if violations := await page.evaluate(RUN % (EVERYTHING if look == "narrow" else LOOKS)):
            found[look] = violations
    return found


async def without_scripts(route: Route) -> None:
    """The page as a browser without JavaScript has it: axe itself needs the timers that such a browser stops."""
    response = await route.fetch()
    body = re.sub(r"<script>.*?</script>", "", await response.text(), flags=re.DOTALL)
    await route.fulfill(response=response, body=body)


async def all_findings(
    visitor: Visitor,
    axe_source: str,
    pages: Iterable[tuple[str, str]],
    looks: Iterable[str] = tuple(LOOKS_OF_A_PAGE),
) -> Mapping[str, object]:
    found: dict[str, object] = {}
    await visitor.page.add_init_script(axe_source)  # sent once, there on every page
    for name, language in pages:
        await visitor.opens(f"/{name}?_lang={language}")
        if violations := await findings(visitor, looks):
            found[f"{name} ({language})"] = violations
    return found


async def test_axe_finds_nothing_on_any_page(visitor: Visitor, axe_source: str) -> None:
    assert await all_findings(visitor, axe_source, PAGES) == {}


async def test_axe_finds_nothing_without_javascript(visitor: Visitor, axe_source: str) -> None:
    """The other pages have no script, so they are the same without it; and scripts change no colours."""
    scripted = [(name, language) for name, language in PAGES if isinstance(SAMPLES[name], Notice | NotSent)]
    await visitor.page.route("**/*", without_scripts)
    assert await all_findings(visitor, axe_source, scripted, ("narrow", "light")) == {}


async def stop(visitor: Visitor) -> None:
    await visitor.page.click("#stop")


async def search(visitor: Visitor) -> None:
    await visitor.page.fill("#q", "ba dinh")
    await visitor.page.wait_for_selector("#matches li")


async def find_nothing(visitor: Visitor) -> None:
    await visitor.page.fill("#q", "none")
    await visitor.page.wait_for_timeout(600)


async def copy(visitor: Visitor) -> None:
    await visitor.page.click("[data-copy]")


STATES: dict[str, tuple[str, Callable[[Visitor], Awaitable[None]]]] = {
    "stopped": ("/notice-procedure", stop),
    "with matches": ("/notice", search),
    "without matches": ("/notice", find_nothing),
    "a code copied": ("/notice-dossier", copy),
    "a form copied": ("/not-sent", copy),
    "a fragment understood": ("/notice-unmapped#/ke-khai/2.000987", stop),
}


async def test_axe_finds_nothing_after_any_action(new_visitor: NewVisitor, axe_source: str) -> None:
    found: dict[str, dict[str, list[str]]] = {}
    for state, (path, act) in STATES.items():
        visitor = await new_visitor()
        await visitor.opens(path)
        await act(visitor)
        await visitor.page.evaluate(axe_source)
        found[state] = await findings(visitor)
    assert {where: what for where, what in found.items() if what} == {}
