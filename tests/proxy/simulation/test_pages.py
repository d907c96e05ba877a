"""Pages of the demonstration: they say what they are, and show text as text."""

from proxy.simulation import pages

HOSTILE = '"><script>alert(1)</script>'


def test_every_page_says_demonstration_and_escapes_what_it_shows() -> None:
    body = pages.paragraph(HOSTILE) + pages.facts({HOSTILE: HOSTILE}) + pages.link(HOSTILE, "/" + HOSTILE)
    body += pages.form(HOSTILE, {HOSTILE: HOSTILE}, [pages.button(HOSTILE, HOSTILE, HOSTILE, HOSTILE)])
    body += pages.choice(HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    text = pages.page(HOSTILE, HOSTILE, body).text or ""
    assert text.count("DEMONSTRATION") == 2
    assert "<script" not in text


def test_no_page_may_be_kept_framed_or_told_of() -> None:
    headers = pages.page("a", "b", pages.paragraph("c")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
