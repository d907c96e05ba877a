"""Whole sign-ins, one after the other: what a browser and a client do, at our issuer and at a peer's."""

import base64
import hashlib
import http.client
import secrets
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET: Final = "s" * 43
CALLBACK: Final = "https://alpha.example/cb"
_VERIFIER: Final = "v" * 43
_CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
REQUEST: Final = urlencode(
    {
        "client_id": "alpha",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
    }
)


REDEEMING: Final = (
    f"Authorization: Basic {base64.b64encode(f'alpha:{SECRET}'.encode()).decode()}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
)
"""Header lines of the client at the token endpoint."""


def redemption(place: str) -> str:
    """The form by which the client redeems what it was told at its callback address."""
    code = parse_qs(urlsplit(place).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": _VERIFIER}
    return urlencode(form)


class NotSignedIn(Exception):
    """A step was answered otherwise than it should; the text has the answer's beginning."""


def approved(place: str) -> str:
    """What the person's browser does where their account is: the address that it is sent back to."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
    # The code carries the nonce: the accounts are made up without a memory.
    answer = {"code": f"{secrets.token_hex(8)}.{asked['nonce']}", "state": asked["state"]}
    return f"{asked['redirect_uri']}?{urlencode({**answer, 'iss': 'https://home.example'})}"


class Visitors:
    """People who sign in at one server, each with a browser that was never there."""

    def __init__(self, port: int, authorize: str) -> None:
        """`authorize`: the path of the authorization endpoint."""
        self._port = port
        self._authorize = authorize
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        """Let the connection go; the next request makes another."""
        self._connection.close()

    def text(self, target: str) -> str:
        """What a target says."""
        return self._asked("GET", target)[1].decode()

    def sign_in(self) -> None:
        """From the client's request to its tokens.  Raises NotSignedIn."""
        cookies: dict[str, str] = {}
        place = self._sent_on(f"{self._authorize}?{REQUEST}", cookies)
        while not place.startswith(CALLBACK):
            if place.startswith("https://home.example/"):
                place = approved(place)
            parts = urlsplit(place)
            place = self._sent_on(f"{parts.path}?{parts.query}" if parts.query else parts.path, cookies)
        self._redeem(place)

    def _sent_on(self, target: str, cookies: dict[str, str]) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        answer, body = self._asked("GET", target, headers)
        for line in answer.headers.get_all("Set-Cookie") or ():
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        if answer.status != 303:
            raise NotSignedIn(f"{urlsplit(target).path}: {answer.status} {body[:200]!r}")
        return str(answer.headers["Location"])

    def _redeem(self, place: str) -> None:
        headers = dict(line.split(": ", 1) for line in REDEEMING.splitlines())
        answer, body = self._asked("POST", "/token", headers, redemption(place))
        if answer.status != 200 or b'"id_token"' not in body:
            raise NotSignedIn(f"/token: {answer.status} {body[:200]!r}")

    def _asked(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        own = {"Host": f"localhost:{self._port}", **(headers or {})}
        self._connection.request(method, target, body, own)
        answer = self._connection.getresponse()
        return answer, answer.read()
