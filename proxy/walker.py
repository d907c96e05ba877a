"""A browser, as far as a test person needs one: it follows redirects, keeps cookies and presses their buttons.

Whom to be and at which issuer is told to it; what a page means is its callers' affair.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final, Self
from urllib.parse import urlencode, urljoin

from aiohttp import ClientSession, ClientTimeout, CookieJar, TCPConnector, encode_basic_auth
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from proxy.authorities import trusting
from sso.model import Client

SECONDS: Final = 20
"""For one request."""
_WHERE: Final = "location"  # read and followed here, as browsers do; written by `proxy.responses` alone
_MOST_HOPS: Final = 20
_BROWSER: Final = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "vi",
    "User-Agent": "Mozilla/5.0 (dvc-edge sso check)",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}


@dataclass(frozen=True, slots=True)
class Test:
    """With whom and where."""

    __test__ = False  # no test of pytest's

    issuer: str
    person: str = "an"
    upstream: str = "vneid"
    secrets: Mapping[str, str] = field(default_factory=dict)  # client → its secret, where it is known


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    address: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        """Where a redirect leads; "" for none."""
        return self.headers.get(_WHERE, "") if self.status in {301, 302, 303} else ""


class Walker:
    """Follows redirects, keeps cookies, presses the buttons that a test person would."""

    def __init__(self, test: Test) -> None:
        self.test = test
        self.seen: list[str] = []
        self.dialogs = 0
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Over plain http cookies belong to *.localhost, which this jar takes for addresses.
        self._session = ClientSession(
            connector=TCPConnector(resolver=_Localhosts(), ssl=trusting()),
            cookie_jar=CookieJar(unsafe=True),
            timeout=ClientTimeout(total=SECONDS),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        address: str,
        *,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """One request; a form is posted."""
        if self._session is None:
            raise RuntimeError("use it in an async with block")
        self.seen.append(address)
        method, data = ("GET", None) if form is None else ("POST", urlencode(form).encode())
        given = {**_BROWSER, **(headers or {})}
        if form is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        url = URL(address, encoded=True)
        async with self._session.request(method, url, data=data, headers=given, allow_redirects=False) as answer:
            return Page(address, answer.status, answer.headers, await answer.text(errors="replace"))

    async def json(self, address: str, *, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """A document; {} for what is none."""
        return _object(await self.ask(address, headers={"Accept": "application/json", **(headers or {})}))

    async def as_client(
        self, client: Client, secret: str, path: str, form: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """What a client's own program sends, authenticated in its way."""
        headers: dict[str, str] = {}
        if client.authentication == "client_secret_basic":
            headers["Authorization"] = encode_basic_auth(client.id, secret)
        else:
            form = {**form, "client_id": client.id} | ({"client_secret": secret} if secret else {})
        return _object(await self.ask(f"{self.test.issuer}{path}", form=[*form.items()], headers=headers))

    async def go(self, address: str, *, until: str = "") -> Page:
        """Go on wherever it leads: to a page without a button for us, or to an address that begins with `until`."""
        form: list[tuple[str, str]] | None = None
        page = Page(address, 0, {}, "")
        for _ in range(_MOST_HOPS):
            page = await self.ask(address, form=form)
            form = None
            if page.location:
                address = urljoin(page.address, page.location)
                if until and address.startswith(until):
                    return Page(address, 0, {}, "")
                continue
            pressed = self._pressed(page)
            if pressed is None:
                return page
            address, form = pressed
        return page

    def _pressed(self, page: Page) -> tuple[str, list[tuple[str, str]]] | None:
        wishes = {"person": {self.test.person}, "upstream": {self.test.upstream}, "answer": {"allow", "yes"}}
        reader = _Forms()
        reader.feed(page.text)
        for action, fields, buttons in reader.forms:
            for name, value in buttons:
                if value in wishes.get(name, set()):
                    self.dialogs += name == "person"
                    return urljoin(page.address, action), [*fields, (name, value)]
        return None


class _Forms(HTMLParser):
    """Forms of a page: action, fields, buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]], list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a form, and what is in it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), [], []))
        elif self.forms and tag == "input" and given.get("name"):
            self.forms[-1][1].append((given["name"], given.get("value", "")))
        elif self.forms and tag == "button" and given.get("name"):
            self.forms[-1][2].append((given["name"], given.get("value", "")))


class _Localhosts(AbstractResolver):
    """*.localhost is this machine (RFC 6761 §6.3), also where the system's resolver does not know."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.endswith(".localhost"):
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]
        return await self._system.resolve(host, port, family)

    async def close(self) -> None:
        await self._system.close()


def _object(page: Page) -> tuple[int, dict[str, Any]]:
    try:
        found = json.loads(page.text)
    except ValueError:
        return page.status, {}
    return page.status, found if isinstance(found, dict) else {}
