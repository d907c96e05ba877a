"""How each sort of page is put together: its template, its style and scripts, and the policy that allows just those."""

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jinja2
from jinja2 import nodes
from markupsafe import Markup, escape

from proxy import blanks, compiled_templates, messages
from proxy.blanks import WatchingEnvironment, attributes_of, saying
from proxy.messages import DEFAULT_LANGUAGE
from proxy.qr import qr
from proxy.sign_in_views import (
    Allowed,
    ChooseSignIn,
    ConfirmSignOut,
    Consent,
    FormPost,
    FrontChannelSignOut,
    Rehearsal,
    SignedOut,
    SignInTrouble,
    SignInView,
    StepUp,
)
from proxy.views import Framed, Gone, LocalityResults, Notice, NotSent, PilotTold, Trouble, View

PACKAGE = "templates"
_SHARED = ("_base.html", "_parts.html")
"""What pages are made of besides: read at the start, lest the first visitor waits for it."""
CONSOLE = "console"
"""The folder in it whose pages are the console's own affair."""


@dataclass(frozen=True, slots=True)
class _Sort:
    """What one sort of page is made of, and what it needs to be allowed."""

    template: str
    style: str = "static/page.css"
    scripts: tuple[str, ...] = ()
    asks: bool = False  # it has a form that leads to ourselves
    frameable: bool = False


SORTS: Mapping[type[View], _Sort] = {
    Notice: _Sort("notice.html", scripts=("static/copy.js", "static/notice.js"), asks=True),
    LocalityResults: _Sort("locality.html", asks=True),
    NotSent: _Sort("not_sent.html", scripts=("static/copy.js",)),
    Gone: _Sort("gone.html"),
    Framed: _Sort("framed.html", style="static/framed.css", frameable=True),
    Trouble: _Sort("trouble.html"),
    PilotTold: _Sort("pilot.html"),
    ChooseSignIn: _Sort("sign_in/choose.html", asks=True),
    Consent: _Sort("sign_in/consent.html", asks=True),
    StepUp: _Sort("sign_in/step_up.html", asks=True),
    ConfirmSignOut: _Sort("sign_in/confirm_sign_out.html", asks=True),
    FrontChannelSignOut: _Sort("sign_in/front_channel_sign_out.html"),
    SignedOut: _Sort("sign_in/signed_out.html"),
    FormPost: _Sort("sign_in/form_post.html", scripts=("static/form_post.js",), asks=True),
    SignInTrouble: _Sort("sign_in/trouble.html"),
    Allowed: _Sort("sign_in/allowed.html", asks=True),
    Rehearsal: _Sort("sign_in/rehearsal.html"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One sort of page, ready to be filled in.  Equals itself only."""

    template: jinja2.Template
    style: Markup
    scripts: tuple[Markup, ...]
    csp: str


def load(
    folders: Collection[Path], reference: Mapping[str, messages.Message]
) -> tuple[Mapping[type[View], Layout], list[str]]:
    """Every page, ready to be filled in, and what is wrong with the templates of the first folder."""
    environment = environment_for(folders)
    problems = [problem for folder in [*folders][:1] for problem in template_problems(environment, folder, reference)]
    try:
        for name in _SHARED:
            environment.get_template(name)
        return {view: _layout(environment, sort) for view, sort in SORTS.items()}, problems
    except jinja2.TemplateSyntaxError as error:
        return {}, problems or [f"{error.filename}:{error.lineno}: {error.message}"]
    except (jinja2.TemplateError, ValueError) as error:
        return {}, [*problems, str(error)]


def environment_for(folders: Collection[Path] = ()) -> jinja2.Environment:
    """Templates from the operators' folders first, then from the installed package."""
    environment = WatchingEnvironment(
        loader=jinja2.ChoiceLoader([*map(jinja2.FileSystemLoader, folders), jinja2.PackageLoader(PACKAGE, "")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=compiled_templates.beside(PACKAGE, __name__, blanks.__name__),
    )
    environment.filters.update(
        href=saying(_href),
        tel=_tel,
        inside=saying(_inside),
        address=saying(_address, parts=3),
        breakable=saying(_breakable),
    )
    environment.globals.update(qr=attributes_of(qr, ("size", "image", "path")), once=_once)
    return environment


#: What every template is given.
CONTEXT = frozenset({"view", "t", "lang", "layout", "logo", "hotline", "portal_name"})


_OF_JINJA = frozenset({"loop", "caller", "varargs", "kwargs", "super", "self"})


def template_problems(
    environment: jinja2.Environment, folder: Path, reference: Mapping[str, messages.Message]
) -> Iterator[str]:
    """What is wrong with the templates of a folder, as far as it shows before they are used."""
    for path in sorted(set(folder.rglob("*.html")) - set((folder / CONSOLE).rglob("*.html"))):
        try:
            source = path.read_text("utf-8")
            unknown = _names_not_made(environment.parse(source)) - CONTEXT - set(environment.globals)
            asked = messages.keys_asked(environment, source)
        except jinja2.TemplateSyntaxError as error:
            yield f"{path}:{error.lineno}: {error.message}"
        except (OSError, ValueError) as error:
            yield f"{path}: {error}"
        else:
            yield from (f"{path}: {name}: templates are given no such value" for name in sorted(unknown))
            missing = (key for key in asked if key not in reference and not _is_prefix(key, reference))
            yield from (f"{path}: {key}: there is no such message" for key in sorted(missing))


def _names_not_made(template: nodes.Template) -> set[str]:
    """Names a template reads and makes nowhere.  Where it makes them does not matter here."""
    names = list(template.find_all(nodes.Name))
    made = {name.name for name in names if name.ctx != "load"}
    made |= {macro.name for macro in template.find_all(nodes.Macro)}
    made |= {imported.target for imported in template.find_all(nodes.Import)}
    made |= {name for listed in template.find_all(nodes.FromImport) for name in map(_imported_as, listed.names)}
    return {name.name for name in names} - made - _OF_JINJA


def _imported_as(name: str | tuple[str, str]) -> str:
    return name if isinstance(name, str) else name[1]


def _is_prefix(key: str, reference: Mapping[str, messages.Message]) -> bool:
    return key.endswith(".") and any(known.startswith(key) for known in reference)


def _layout(environment: jinja2.Environment, sort: _Sort) -> Layout:
    style = _static(environment, sort.style)
    scripts = tuple(_static(environment, name) for name in sort.scripts)
    return Layout(environment.get_template(sort.template), style, scripts, _policy(sort, style, scripts))


def _static(environment: jinja2.Environment, name: str) -> Markup:
    loader = environment.loader
    assert loader is not None  # noqa: S101  # environment_for gives every environment one
    source, _, _ = loader.get_source(environment, name)
    if re.search(r"</(style|script)|<!--", source, re.IGNORECASE):
        raise ValueError(f"{name}: would end the element that it stands in")
    # A browser reads CR LF as LF before it hashes (HTML, "normalize newlines").
    return Markup(_lean(source.replace("\r\n", "\n")))  # noqa: S704  # a file of ours or of the operators, not input


def _lean(source: str) -> str:
    """Without indentation and comments on lines of their own: a tenth of the page as sent.

    A line can begin with blanks or a comment only outside strings, in CSS as in ES5, so this changes no meaning.
    """
    without_comments = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*\n", "", source, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^[ \t]+", "", without_comments, flags=re.MULTILINE).strip()


def _policy(sort: _Sort, style: str, scripts: Collection[str]) -> str:
    nobody, ourselves = "'none'", "'self'"
    allowed = {
        "default-src": nobody,
        "script-src": " ".join(map(_hash, scripts)) or nobody,
        "style-src": _hash(style),
        "img-src": "data:",
        "connect-src": ourselves if sort.asks and scripts else nobody,
        "form-action": ourselves if sort.asks else nobody,
        "base-uri": nobody,
        "frame-ancestors": "*" if sort.frameable else nobody,
    }
    return "; ".join(f"{directive} {sources}" for directive, sources in allowed.items())


def policy_for(layout: Layout, view: View) -> str:
    """The policy of one page: that of its sort, and what this page frames or where its form leads besides."""
    csp = layout.csp
    if isinstance(view, SignInView):
        if view.form_sources:
            csp = csp.replace("form-action 'self'", " ".join(["form-action 'self'", *view.form_sources]))
        if view.frame_sources:
            csp += "; frame-src " + " ".join(view.frame_sources)
    return csp


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


_OURS_OR_LOCAL = re.compile(r"/(?![/\\])|http://(?:(?:[a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])(?::\d+)?/")


def _href(address: str) -> str:
    """The address, if it may stand in a link: https, or a path on this very host.  Raises ValueError for others.

    Plain http may lead to the visitor's own machine alone: that is where development happens.
    Views hold finished addresses only; this is the second lock on the door, against `javascript:` and `//elsewhere`.
    """
    if address.startswith("https://") or _OURS_OR_LOCAL.match(address):
        return address
    raise ValueError("an address that is neither https nor a path on this host must not become a link")


def _tel(hotline: str) -> str:
    return "tel:" + re.sub(r"[^\d+]", "", hotline)


def _inside(name: str, language: str) -> str:
    """A unit's name inside a Vietnamese sentence: "Tỉnh Lạng Sơn" → "tỉnh Lạng Sơn"."""
    return name[:1].lower() + name[1:] if language == DEFAULT_LANGUAGE else name


def _address(target: str) -> tuple[str, str, str]:
    """Scheme, host and the rest, so that the host can be made to stand out."""
    scheme, mark, rest = target.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + mark, host, slash + path


def _breakable(path: str) -> Markup:
    """The rest of an address, allowed to wrap where a reader would break it."""
    escaped = str(escape(path))
    for mark in ("&amp;", "/", "?"):
        escaped = escaped.replace(mark, f"<wbr>{mark}")
    return Markup(escaped)  # noqa: S704  # escaped just before


#: Pieces kept ready: some ten a portal and language.
_KEPT = 2_048


@lru_cache(maxsize=_KEPT)
def _once(piece: Callable[..., Markup], *arguments: Hashable) -> Markup:
    """What a macro says for these arguments, made once: most of a page is the same for everyone who opens it."""
    return piece(*arguments)
