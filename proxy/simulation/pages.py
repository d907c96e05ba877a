"""The pages of the demonstration: plain, without scripts, and impossible to mistake for the real thing."""

from collections.abc import Iterable, Mapping

from aiohttp.web import Response
from markupsafe import Markup

_PAGE = Markup("""<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<title>{title} – DEMONSTRATION</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<style>
body {{ max-width: 42rem; margin: 0 auto; padding: 0 16px 32px; font: 112.5%/1.45 sans-serif; color: #1a1a1a }}
body {{ background: #fff; overflow-wrap: anywhere }}
.demo {{ margin: 0 -16px 16px; padding: 8px 16px; background: #5c2d91; color: #fff; font-weight: 700 }}
button, select {{ box-sizing: border-box; width: 100%; min-height: 48px; margin: 4px 0; padding: 8px; font: inherit }}
button, select {{ border: 2px solid #5c2d91; border-radius: 4px; background: #fff; color: #1a1a1a; text-align: left }}
button b {{ display: block }}
dt {{ font-weight: 700 }}
dd {{ margin: 0 0 8px }}
</style>
</head>
<body>
<p class="demo">DEMONSTRATION · BẢN TRÌNH DIỄN: {where}. Không có ai thật ở đây.</p>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
""")

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}


def page(title: str, where: str, body: Markup, *, status: int = 200) -> Response:
    """A whole page; `where` says what it pretends to be."""
    text = _PAGE.format(title=title, where=where, body=body)
    return Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def paragraph(text: str) -> Markup:
    """A paragraph of plain text."""
    return Markup("<p>{}</p>").format(text)


def link(text: str, href: str) -> Markup:
    """A link in a paragraph of its own."""
    return Markup('<p><a href="{}">{}</a></p>').format(href, text)


def facts(values: Mapping[str, object]) -> Markup:
    """A list of names and values."""
    rows = (Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in values.items())
    return Markup("<dl>{}</dl>").format(Markup("").join(rows))


def form(action: str, hidden: Mapping[str, str], inner: Iterable[Markup]) -> Markup:
    """A form that is posted."""
    fields = (Markup('<input type="hidden" name="{}" value="{}">').format(*pair) for pair in hidden.items())
    return Markup('<form method="post" action="{}">{}{}</form>').format(
        action, Markup("").join(fields), Markup("").join(inner)
    )


def button(name: str, value: str, title: str, text: str = "") -> Markup:
    """A button with a title and what it means."""
    return Markup('<button type="submit" name="{}" value="{}"><b>{}</b> {}</button>').format(name, value, title, text)


def choice(name: str, label: str, options: Mapping[str, str]) -> Markup:
    """One of several."""
    rows = (Markup('<option value="{}">{}</option>').format(*pair) for pair in options.items())
    return Markup('<p><label>{}<select name="{}">{}</select></label></p>').format(label, name, Markup("").join(rows))
