"""The demonstration's procedure system; with the broker it is walked in tests/browser/test_sign_in_journey.py."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.proxy.simulation.conftest import ISSUER, Visit


@pytest.mark.parametrize("header", [[], ["not a token"], ["a.b.c"], ["a.b.c", "a.b.c"]])
async def test_behind_the_edge_nobody_is_somebody_by_a_header_that_proves_nothing(
    visit: Visit, header: list[str]
) -> None:
    headers = [("Host", "dichvucong.khanhhoa.gov.vn"), *(("Portal-Identity", value) for value in header)]
    uri = f"http://127.0.0.1:{visit.simulation.port}/vi/nps/apply"
    async with visit.browser.get(uri, headers=headers) as answer:
        page = await answer.text()
    assert "DEMONSTRATION" in page
    assert answer.status == 503  # there is no issuer in this test whose keys could be read
    assert "mẫu" not in page


async def test_a_sign_in_leaves_with_everything_that_must_come_back(visit: Visit) -> None:
    uri = f"http://he-thong-mau.localhost:{visit.simulation.port}/sign-in"
    async with visit.browser.get(uri, allow_redirects=False) as answer:
        place = urlsplit(answer.headers["Location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{ISSUER}/authorize"
    asked = parse_qs(place.query)
    assert {"state", "nonce", "code_challenge", "redirect_uri", "client_id", "scope"} <= set(asked)


@pytest.mark.parametrize("query", ["", "state=never&code=c", "code=c&iss=http://signin.localhost:8080"])
async def test_an_answer_to_nothing_signs_nobody_in(visit: Visit, query: str) -> None:
    uri = f"http://he-thong-mau.localhost:{visit.simulation.port}/callback?{query}"
    async with visit.browser.get(uri, allow_redirects=False) as answer:
        assert answer.status == 400
        assert "Set-Cookie" not in answer.headers
