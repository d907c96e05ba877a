"""The console on its socket: sessions and forms are checked, handlers run in threads, answers become responses.

The one module of the console, with `entrance`, that knows aiohttp.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, assert_never
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web
from aiohttp.web_request import FileField
from sqlalchemy.exc import SQLAlchemyError

from proxy.console import late_forms, sessions
from proxy.console.calls import Answer, Call, Download, Fields, GoTo, NotFound, Rendered, Route, Show, Upload
from proxy.console.desk import Desk
from proxy.console.pages import POLICY, ConsolePages, Frame
from proxy.console.sessions import CookieName, Forged, Outdated
from proxy.console.views import Trouble
from proxy.request_ids import speakable_id
from redirect_rules.people import SealBroken, SignedIn, digest_of
from redirect_rules.rights import NotAllowed, Person
from redirect_rules.store import ObjectChanged, StoreBusy, UnknownVersion

MOST_UPLOADED: Final = 256 * 1024 * 1024
"""Octets of one form: a million rules are some hundred."""

_ALWAYS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Cache-Control": "no-store",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_YEAR: Final = int(timedelta(days=365).total_seconds())


@dataclass(frozen=True, slots=True)
class Console:
    """Everything the console is made of."""

    desk: Desk
    pages: ConsolePages
    routes: Sequence[Route]
    secure: bool  # people come over TLS
    new_secret: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(32))

    @property
    def cookies(self) -> CookieName:
        """What its cookies are called."""
        return CookieName(self.secure)

    @property
    def here(self) -> frozenset[str]:
        """The paths of its pages, for the menu."""
        return frozenset(route.path for route in self.routes)

    def application(self) -> web.Application:
        """The same, ready to be run."""
        app = web.Application(client_max_size=MOST_UPLOADED, middlewares=[self._guarded])
        app.router.add_get("/static/{name}", self._asset)
        app.router.add_get("/health", _health)
        app.router.add_get("/language/{tag}", self._language)
        for route in self.routes:
            app.router.add_route(route.method, route.path, self._adapted(route))
        return app

    # What stands around every request

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """No answer leaves without its policy, and no error without words."""
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = self.trouble(request, error.status, "not-found" if error.status == 404 else "bad-request")
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except Forged:
            response = self.trouble(request, 403, "forged")
        except Exception as error:  # noqa: BLE001 - every one becomes a page
            response = self.unexpected(request, error)
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        return response

    def unexpected(self, request: web.Request, error: Exception, frame: Frame | None = None) -> web.Response:
        """What went wrong in a handler, in words; the log has the rest."""
        match error:
            case NotFound() | UnknownVersion():
                return self.trouble(request, 404, "not-found", frame=frame)
            case NotAllowed():
                return self.trouble(request, 403, "not-allowed", text=str(error), frame=frame)
            case ObjectChanged():
                return self.trouble(request, 409, "changed", text=str(error), frame=frame)
            case StoreBusy():
                return self.trouble(request, 503, "busy", frame=frame)
            case SealBroken():
                logging.getLogger(__name__).error("%s", error)
                return self.trouble(request, 503, "sealed", frame=frame)
            case SQLAlchemyError():
                logging.getLogger(__name__).error("the database does not answer: %s", type(error).__name__)
                return self.trouble(request, 503, "database", frame=frame)
        if type(error) is LookupError:  # the register's word for a number that nobody gave; a KeyError is our mistake
            return self.trouble(request, 404, "not-found", text=str(error), frame=frame)
        code = speakable_id()
        logging.getLogger(__name__).error("%s: a page of the console failed", code, exc_info=error)
        return self.trouble(request, 500, "internal", code=code, frame=frame)

    def trouble(
        self,
        request: web.Request,
        status: int,
        reason: str,
        *,
        text: str = "",
        code: str = "",
        frame: Frame | None = None,
    ) -> web.Response:
        """A page that says what cannot be done."""
        view = Trouble(reason, text, code)
        return self.shown(Show("trouble.html", view, status), frame or self.frame(request, None, None))

    def frame(self, request: web.Request, signed_in: SignedIn | None, person: Person | None) -> Frame:
        """What stands around a page for this browser."""
        language = self.language(request)
        other = next((tag for tag in self.pages.texts if tag != language), language)
        notice, values = self._notice(request)
        again = request.raw_path if request.method == "GET" else "/"
        return Frame(
            person=person,
            csrf=signed_in.csrf if signed_in else "",
            path=request.path,
            language=language,
            other_language=f"/language/{other}?{urlencode({'to': again})}",
            ends_in_minutes=sessions.minutes_left(signed_in, self.desk.clock()) if signed_in else None,
            notice=notice,
            notice_values=values,
            here=self.here,
        )

    def language(self, request: web.Request) -> str:
        """The language of this browser."""
        chosen = request.cookies.get(self.cookies.language)
        return self.pages.choose_language(request.headers.get("Accept-Language", ""), chosen)

    def _notice(self, request: web.Request) -> tuple[str, dict[str, str]]:
        pairs = dict(parse_qsl(request.cookies.get(self.cookies.notice, "")[:2_000]))
        key = pairs.pop("_", "")
        texts = next(iter(self.pages.texts.values()))
        if f"notice.{key}" not in texts:
            return "", {}
        try:
            texts(f"notice.{key}", **pairs)
        except KeyError:
            return "", {}
        return key, pairs

    # Pages

    def _adapted(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler as aiohttp wants it: who asks, may they, what do they send, and then the handler in a thread."""

        async def answer(request: web.Request) -> web.StreamResponse:
            signed_in = await self.holder(request)
            if signed_in is None:
                return await self.to_the_entrance(request)
            person = await asyncio.to_thread(self.desk.person, signed_in.actor)
            frame = self.frame(request, signed_in, person)
            try:
                form, uploads = await self.form(request, signed_in) if route.method == "POST" else (Fields(), {})
                if not person.may_somewhere(route.deed):
                    return self.trouble(request, 403, "no-role", frame=frame)
                call = Call(
                    person=person,
                    desk=self.desk,
                    path=request.path,
                    now=self.desk.clock(),
                    language=frame.language,
                    query=Fields(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)),
                    form=form,
                    matched=dict(request.match_info),
                    uploads=uploads,
                )
                made = await asyncio.to_thread(route.handler, call)
                return await self._answered(made, frame)
            except Outdated:
                return await self.once_more(request, frame)
            except (web.HTTPException, Forged):
                raise
            except Exception as error:  # noqa: BLE001 - every one becomes a page, inside the frame
                return self.unexpected(request, error, frame)

        return answer

    async def holder(self, request: web.Request) -> SignedIn | None:
        """Who is at this browser."""
        cookie = request.cookies.get(self.cookies.session, "")
        return await asyncio.to_thread(sessions.holder, self.desk.people, cookie, now=self.desk.clock())

    async def form(self, request: web.Request, signed_in: SignedIn | None) -> tuple[Fields, dict[str, Upload]]:
        """What a form says.  Raises Forged unless it is one of ours, Outdated when it is another session's."""
        self.check_sender(request, None, "")  # before a large body is read
        form, uploads = await self._read(request)
        self.check_sender(request, signed_in, form.get("csrf"))
        return form, uploads

    @staticmethod
    async def _read(request: web.Request) -> tuple[Fields, dict[str, Upload]]:
        posted = await request.post()  # aiohttp keeps it: reading twice costs nothing
        fields: list[tuple[str, str]] = []
        uploads: dict[str, Upload] = {}
        for name, value in posted.items():
            if isinstance(value, FileField):
                value.file.seek(0)
                uploads[name] = Upload(value.filename, await asyncio.to_thread(value.file.read))
            elif isinstance(value, str):
                fields.append((name, value.replace("\r\n", "\n")))
        return Fields(fields), uploads

    @staticmethod
    def check_sender(request: web.Request, signed_in: SignedIn | None, token: str) -> None:
        """Raise Forged unless one of our own pages sent this.

        The Host header is read here and nowhere else in the console, only to be compared with Origin: nothing that
        the console writes is made of it.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        sessions.check_form(signed_in, token, headers, request.host)

    async def to_the_entrance(self, request: web.Request) -> web.Response:
        """Whoever is not signed in signs in first; what a form said is shown, to be sent again after that."""
        if request.method in {"GET", "HEAD"}:
            return self.sent(f"/sign-in?{urlencode({'next': request.raw_path})}")
        self.check_sender(request, None, "")
        return await self.once_more(request, self.frame(request, None, None))

    async def once_more(self, request: web.Request, frame: Frame) -> web.Response:
        """A form of ours that came too late, as a page from which it can be sent again."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not late_forms.is_small(request.content_length) or not sessions.is_from_us(headers, request.host):
            return self.trouble(request, 403, "signed-out", frame=frame)
        form, uploads = await self._read(request)
        view = late_forms.again(request.path, form, uploads, is_signed_in=frame.person is not None)
        return self.shown(Show("again.html", view, 403), frame)

    async def let_in(
        self, request: web.Request, actor: str, goal: str, *, way: str, sid: str = "", id_token: str = ""
    ) -> web.Response:
        """Begin a session for somebody who has just shown who they are; the one before at this browser ends."""
        cookie, csrf = self.new_secret(), self.new_secret()
        people, now = self.desk.people, self.desk.clock()
        former = request.cookies.get(self.cookies.session, "")
        signed_in = sessions.begun(actor, cookie, csrf, now=now, way=way, sid=sid, id_token=id_token)

        def begin() -> None:
            if former:
                people.end(digest_of(former))
            people.begin(signed_in)

        await asyncio.to_thread(begin)
        response = self.sent(goal)
        self.set_cookie(response, self.cookies.session, cookie)
        return response

    async def _answered(self, made: Answer, frame: Frame) -> web.Response:
        match made:
            case Show():
                # Jinja is Python: a page of a hundred rules holds the loop for milliseconds.
                response = await asyncio.to_thread(self.shown, made, frame)
                if frame.notice:
                    response.del_cookie(self.cookies.notice, path="/")
                return response
            case GoTo(path, notice, values):
                response = self.sent(path)
                if notice:
                    self.set_cookie(response, self.cookies.notice, urlencode({"_": notice, **values}), seconds=60)
                return response
            case Download(name, media_type, content):
                disposition = f"attachment; filename*=UTF-8''{quote(name)}"
                return web.Response(
                    body=content, headers={"Content-Type": media_type, "Content-Disposition": disposition}
                )
            case Rendered(html, csp):
                headers = {"Content-Security-Policy": csp}
                return web.Response(body=html, content_type="text/html", charset="utf-8", headers=headers)
            case never:
                assert_never(never)

    def shown(self, page: Show, frame: Frame) -> web.Response:
        """A page as a response."""
        html = self.pages.render(page.template, page.view, frame)
        headers = {"Content-Language": frame.language}
        return web.Response(body=html, status=page.status, content_type="text/html", charset="utf-8", headers=headers)

    @staticmethod
    def sent(path: str) -> web.Response:
        """Send a browser to another page of ours; whatever else is given, it is the front page.

        The console is an application of its own, on an address of its own: its one writer of Location is this.
        proxy/responses.py writes those of the edge, which lead elsewhere and know only declared targets; here nothing
        leads elsewhere, and a path is all there is.
        """
        return web.Response(status=303, headers={"Location": path if is_ours(path) else "/"})

    @staticmethod
    def away(uri: str, issuer: str) -> web.Response:
        """Send a browser to the broker, and nowhere else.  Raises ValueError."""
        if not uri.startswith(f"{issuer}/"):
            raise ValueError("this is no address of the broker")
        return web.Response(status=303, headers={"Location": uri})

    def set_cookie(self, response: web.Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """A cookie that no script and no other site can use."""
        response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, secure=self.secure, samesite="Lax")

    # Small things

    async def _asset(self, request: web.Request) -> web.Response:
        asset = self.pages.assets.get(request.match_info["name"])
        if asset is None:
            return self.trouble(request, 404, "not-found")
        return web.Response(
            body=asset.content, content_type=asset.media_type, charset="utf-8", headers={"Cache-Control": _FOR_EVER}
        )

    async def _language(self, request: web.Request) -> web.Response:
        response = self.sent(request.query.get("to", "/"))
        tag = request.match_info["tag"]
        if tag in self.pages.texts:
            self.set_cookie(response, self.cookies.language, tag, seconds=_YEAR)
        return response


def is_ours(path: str) -> bool:
    """Whether a browser stays with us that is sent there: no host in any spelling, no control characters."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
