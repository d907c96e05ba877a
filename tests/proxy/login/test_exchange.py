"""What programs ask for."""

from urllib.parse import urlencode

from tests.sign_in_peers.issuer import SECRET, Answer, Desk, basic


async def ask(desk: Desk, path: str, token: str, name: str = "alpha") -> Answer:
    form = {"token": token}
    headers: dict[str, str] = {}
    desk.authenticate(name, form, headers)
    return await desk.ask("POST", path, headers, urlencode(form))


async def test_a_client_learns_of_its_own_tokens(desk: Desk) -> None:
    body = await desk.tokens(scope="openid offline_access")
    access, refresh = body["access_token"], body["refresh_token"]
    assert (await ask(desk, "/introspect", access)).json()["active"] is True
    assert (await ask(desk, "/introspect", refresh)).json()["token_type"] == "refresh_token"
    for token in (access, refresh, "nonsense"):
        assert (await ask(desk, "/introspect", token, "beta")).json() == {"active": False}


async def test_a_public_client_learns_nothing(desk: Desk) -> None:
    body = await desk.tokens()
    assert (await ask(desk, "/introspect", body["access_token"], "epsilon")).status == 401


async def test_who_revokes_a_refresh_token_ends_the_family(desk: Desk) -> None:
    body = await desk.tokens(scope="openid offline_access")
    assert (await ask(desk, "/revoke", body["refresh_token"])).status == 200
    assert (await desk.userinfo(body["access_token"])).status == 401
    again = await desk.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


async def test_nobody_revokes_what_is_anothers(desk: Desk) -> None:
    body = await desk.tokens()
    assert (await ask(desk, "/revoke", body["access_token"], "beta")).status == 200
    assert (await desk.userinfo(body["access_token"])).status == 200
    assert (await ask(desk, "/revoke", "never was")).status == 200


async def test_a_session_that_ends_takes_its_tokens_along(desk: Desk) -> None:
    body = await desk.tokens(scope="openid offline_access")
    (session,) = await desk.store.sessions_of("home", "account-1")
    await desk.store.end(session.id)
    assert (await desk.userinfo(body["access_token"])).status == 401
    again = await desk.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


async def test_a_code_of_before_a_sign_out_is_worth_nothing(desk: Desk) -> None:
    told = await desk.sign_in()
    (session,) = await desk.store.sessions_of("home", "account-1")
    await desk.store.end(session.id)
    assert (await desk.exchange(told["code"])).json()["error"] == "invalid_grant"


async def test_who_shows_no_token_is_told_how(desk: Desk) -> None:
    answer = await desk.ask("GET", "/userinfo")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="userinfo"')


async def test_token_answers_are_kept_by_nobody(desk: Desk) -> None:
    answer = await desk.exchange((await desk.sign_in())["code"])
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


async def test_other_grants_are_not_supported(desk: Desk) -> None:
    for grant_type in ("password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        answer = await desk.ask("POST", "/token", {"Authorization": basic("alpha", SECRET)}, f"grant_type={grant_type}")
        assert answer.json()["error"] == "unsupported_grant_type"
