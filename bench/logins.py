"""Whole sign-ins, one after the other: what a browser and a client do, at our issuer and at a peer's."""

import base64
import hashlib
import http.client
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET: Final = "s" * 43
_CALLBACK: Final = "https://alpha.example/cb"
_VERIFIER: Final = "v" * 43
_CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
_REQUEST: Final = urlencode(
    {
        "client_id": "alpha",
        "redirect_uri": _CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
    }
)


class NotSignedIn(Exception):
    """A step was answered otherwise than it should; the text has the answer's beginning."""


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
        place = self._sent_on(f"{self._authorize}?{_REQUEST}", cookies)
        while not place.startswith(_CALLBACK):
            if place.startswith("https://home.example/"):
                place = self.text(f"/approve?to={place}")
            parts = urlsplit(place)
            place = self._sent_on(f"{parts.path}?{parts.query}" if parts.query else parts.path, cookies)
        self._redeem(parse_qs(urlsplit(place).query)["code"][0])

    def _sent_on(self, target: str, cookies: dict[str, str]) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        answer, body = self._asked("GET", target, headers)
        for line in answer.headers.get_all("Set-Cookie") or ():
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        if answer.status != 303:
            raise NotSignedIn(f"{urlsplit(target).path}: {answer.status} {body[:200]!r}")
        return str(answer.headers["Location"])

    def _redeem(self, code: str) -> None:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _CALLBACK, "code_verifier": _VERIFIER}
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"alpha:{SECRET}".encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer, body = self._asked("POST", "/token", headers, urlencode(form))
        if answer.status != 200 or b'"id_token"' not in body:
            raise NotSignedIn(f"/token: {answer.status} {body[:200]!r}")

    def _asked(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        own = {"Host": f"localhost:{self._port}", **(headers or {})}
        self._connection.request(method, target, body, own)
        answer = self._connection.getresponse()
        return answer, answer.read()
