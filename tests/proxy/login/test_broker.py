"""Which endpoint answers, and how a refusal is told to whom."""

import pytest

from sso.effects import Effect
from sso.store import StoreUnavailable
from tests.sign_in_peers.issuer import NOW, SECRET, Desk, basic


@pytest.mark.parametrize("path", ["/", "/nothing", "/authorize/", "/callback", "/token/x", "//token", "/%74oken"])
async def test_what_is_not_there_is_not_there(desk: Desk, path: str) -> None:
    assert (await desk.ask("GET", path)).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/token", "POST"), ("PUT", "/authorize", "GET, POST"), ("DELETE", "/callback/home", "GET, POST")],
)
async def test_other_methods_are_told_which_there_are(desk: Desk, method: str, path: str, allowed: str) -> None:
    answer = await desk.ask(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


async def test_head_is_answered_as_get(desk: Desk) -> None:
    assert (await desk.ask("HEAD", "/jwks")).status == 200


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/token"), ("GET", "/userinfo"), ("POST", "/par"), ("POST", "/revoke")]
)
async def test_programs_are_answered_in_json(desk: Desk, method: str, path: str) -> None:
    answer = await desk.ask(method, path, {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["error"]
    assert "(DN-" in answer.json()["error_description"]


async def test_people_are_answered_with_a_page_and_a_code_to_read_out(desk: Desk) -> None:
    answer = await desk.ask("GET", "/authorize")
    assert answer.status == 400
    assert "DN-101" in answer.text


class Dead:
    """A store that does not answer."""

    def __getattr__(self, name: str) -> object:
        async def never(*_: object, **__: object) -> object:
            raise StoreUnavailable

        return never


@pytest.mark.parametrize(("method", "path"), [("GET", "/authorize"), ("POST", "/token"), ("GET", "/userinfo")])
async def test_without_a_store_nothing_is_allowed_and_everybody_is_told_when_to_try_again(
    desk: Desk, method: str, path: str
) -> None:
    desk.broker.store = Dead()  # type: ignore[assignment]  # it says no to everything
    form = "grant_type=authorization_code&code=x" if method == "POST" else None
    query = (
        ""
        if path != "/authorize"
        else "?" + "&".join(f"{k}={v}" for k, v in desk.request(nonce=None, state=None).items())
    )
    headers = {"Authorization": "Bearer x" if path == "/userinfo" else basic("alpha", SECRET)}
    answer = await desk.ask(method, path + query, headers, form)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_what_is_our_fault_is_told_as_that_and_its_words_are_not_written_down(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    sent = str(NOW)

    async def broken(*_: object) -> Effect:
        raise KeyError(sent)

    desk.broker.routes = {("GET", "/authorize"): broken}
    answer = await desk.ask("GET", "/authorize")
    assert answer.status == 500
    assert "KeyError" in caplog.text
    assert sent not in caplog.text


class Strict:
    """Locks out at once."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str, str]] = []

    def locked(self, kind: str, client: str, address: str, now: int) -> int:
        return 900 if self.failures else 0

    def crowded(self, kind: str, client: str, address: str, now: int) -> int:
        return 0

    async def failed(self, kind: str, client: str, address: str, now: int) -> int:
        self.failures.append((kind, client, address))
        return 900


async def test_who_fails_is_counted_by_client_and_address_and_then_locked_out(desk: Desk) -> None:
    limiter = desk.broker.limiter = Strict()
    wrong = await desk.token(headers={"Authorization": basic("alpha", "wrong")}, grant_type="x")
    assert wrong.status == 401
    assert limiter.failures == [("client-secret", "alpha", "127.0.0.1")]
    right = await desk.token(grant_type="x")
    assert (right.status, right.json()["error"]) == (429, "invalid_client")
    assert right.headers["Retry-After"]


async def test_every_sign_in_is_counted_once(desk: Desk) -> None:
    counted: list[tuple[str, str, str, int]] = []
    desk.broker.on_login = lambda *told: counted.append(told)
    await desk.sign_in()
    await desk.authorize(desk.browser(), prompt="none")
    assert counted == [("home", "alpha", "ok", 2), ("", "alpha", "login_required", 0)]


async def test_a_session_ends_when_its_time_is_over(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    desk.clock.now = NOW + desk.broker.lifetimes.absolute
    assert (await desk.authorize(browser, prompt="none")).told()["error"] == "login_required"
