"""Views of sign-in: each becomes a page in each language, and each page is allowed just what it needs."""

import re
from dataclasses import replace

import pytest

from proxy.pages import Pages
from proxy.sign_in_views import SIGN_IN_PAGES, FormPost, FrontChannelSignOut, SignInForm, SignInTrouble, view_of
from sso.upstreams.failures import Fault
from sso.vocabulary import AccountType, Claim, ErrorCode
from tests.browser.sign_in_samples import HIDDEN, SIGN_IN_SAMPLES


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


def text_of(html: bytes) -> str:
    return re.sub(
        r"\s+", " ", re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", html.decode(), flags=re.DOTALL)
    )


def directive(csp: str, name: str) -> str:
    return next((part.strip().removeprefix(f"{name} ") for part in csp.split(";") if part.strip().startswith(name)), "")


def test_there_is_a_sample_of_every_page() -> None:
    assert {type(view) for view in SIGN_IN_SAMPLES.values()} == set(SIGN_IN_PAGES.values())


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("reason", [*ErrorCode, *Fault, "upstream_down", "never heard of"])
def test_every_reason_has_words_a_code_and_the_hotline(pages: Pages, reason: str, language: str) -> None:
    view = SignInTrouble(code="DN-204", reason=str(reason))
    told = text_of(pages.render(view, language).html)
    assert "DN-204" in told
    assert "18001096" in told


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_claim_has_a_name_for_people(pages: Pages, language: str) -> None:
    facts = {
        "client_name": "x",
        "legal_basis": "",
        "claims": tuple((claim, "citizen" if claim is Claim.ACCOUNT_TYPE else "v") for claim in Claim),
        "remembers": False,
        "action": "/consent",
        "fields": (),
    }
    html = pages.render(view_of("consent", facts), language).html.decode()
    assert html.count("<dt>") == len(Claim)
    assert not [claim for claim in Claim if f">{claim}<" in html]


@pytest.mark.parametrize("account", [*AccountType])
def test_every_sort_of_account_has_a_name_for_people(pages: Pages, account: AccountType) -> None:
    consent = replace(SIGN_IN_SAMPLES["sign-in-consent-person"], claims=((Claim.ACCOUNT_TYPE, account),))  # type: ignore[call-arg]  # a Consent
    assert account not in text_of(pages.render(consent, "vi").html)


@pytest.mark.parametrize("name", [name for name, view in SIGN_IN_SAMPLES.items() if isinstance(view, SignInForm)])
def test_a_form_may_lead_through_hosts_that_nobody_knows_and_in_development_to_this_machine(
    pages: Pages, name: str
) -> None:
    view = SIGN_IN_SAMPLES[name]
    assert isinstance(view, SignInForm)
    assert "https:" in directive(pages.render(view, "vi").csp, "form-action").split()
    local = directive(pages.render(replace(view, local=True), "vi").csp, "form-action")
    assert isinstance(view, FormPost) or "http://*.localhost:*" in local
    assert "localhost" not in pages.render(view, "vi").csp


def test_a_form_post_leads_to_its_client_and_sends_itself(pages: Pages) -> None:
    view = view_of("form_post", {"client_name": "x", "action": "https://x.example/cb?a=b", "fields": HIDDEN})
    page = pages.render(view, "vi")
    assert "https://x.example" in directive(page.csp, "form-action").split()
    assert directive(page.csp, "script-src").startswith("'sha256-")
    assert b'action="https://x.example/cb?a=b"' in page.html


def test_frames_are_allowed_by_origin_and_only_there(pages: Pages) -> None:
    view = FrontChannelSignOut(frames=("https://a.example/out?sid=1", "https://a.example/two", "https://b.example/"))
    assert directive(pages.render(view, "vi").csp, "frame-src") == "https://a.example https://b.example"
    assert "frame-src" not in pages.render(SIGN_IN_SAMPLES["sign-in-choose"], "vi").csp


HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize("name", [name for name, view in SIGN_IN_SAMPLES.items() if hasattr(view, "client_name")])
def test_a_name_is_a_name_and_never_markup(pages: Pages, name: str) -> None:
    view = replace(SIGN_IN_SAMPLES[name], client_name=HOSTILE)  # type: ignore[call-arg]  # it has one
    assert b"<script>alert(1)" not in pages.render(view, "vi").html


@pytest.mark.parametrize(
    "back", ["javascript:alert(1)", "//evil.example/", "http://evil.example/", "http://evil.example/.localhost/"]
)
def test_no_link_leads_anywhere_but_to_https_or_this_machine(pages: Pages, back: str) -> None:
    with pytest.raises(ValueError, match="must not become a link"):
        pages.render(SignInTrouble(code="DN-101", reason="x", back=back), "vi")


def test_facts_that_a_page_does_not_know_are_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        view_of("signed_out", {"name": "x"})
