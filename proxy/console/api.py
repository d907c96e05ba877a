"""The API on its socket: who calls, how often, twice or once; and the OpenAPI document of it all."""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import SQLAlchemyError

from proxy import __version__
from proxy.console.api_endpoints import ENDPOINTS
from proxy.console.api_models import Problem
from proxy.console.api_operations import Endpoint, NotByToken, read, read_query
from proxy.console.app import Console
from proxy.console.calls import Call, Download, Fields, Mistake, NotFound
from proxy.console.sessions import Forged
from proxy.console.sign_in_store import StoreDown
from proxy.request_ids import speakable_id
from redirect_rules.office import OwnRole
from redirect_rules.people import SealBroken, digest_of, limited
from redirect_rules.publications import DraftChanged, FourEyes, NotApproved, WrongState
from redirect_rules.publishing import NumberGone
from redirect_rules.rights import NotAllowed, Person
from redirect_rules.store import (
    BadObject,
    BatchTaken,
    ObjectChanged,
    StoreBusy,
    TwiceInBatch,
    UndoRefused,
    UnknownVersion,
)
from redirect_rules.stores.answers import Answered

BASE: Final = "/api/v1"
BURST: Final = 120
PER_SECOND: Final = 20.0
"""How many calls of one person go through at once, and for how long after that."""
MOST_CALLERS: Final = 10_000
"""People whose calls are counted at a time."""
LONGEST_KEY: Final = 255
"""Letters of an Idempotency-Key."""
_TOO_MUCH: Final = 200_000_000


class Unauthorized(Exception):
    """Nobody we know calls."""


class TooMany(Exception):
    """They call too often."""


@dataclass(slots=True)
class Bucket:
    """Calls that somebody still has (a token bucket)."""

    left: float
    at: float


@dataclass(slots=True)
class Api:
    """The API of one console."""

    console: Console
    buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)
    under_way: set[tuple[str, str]] = field(default_factory=set)  # whose Idempotency-Key is being answered now

    def add_to(self, app: web.Application) -> None:
        """Answer under BASE."""
        app.router.add_get(f"{BASE}/openapi.json", self._document)
        for endpoint in ENDPOINTS:
            app.router.add_route(endpoint.method, BASE + endpoint.path, self._adapted(endpoint))
        app.router.add_route("*", f"{BASE}/{{rest:.*}}", self._nothing)

    async def _document(self, _: web.Request) -> web.Response:
        return web.json_response(document(), headers={"Cache-Control": "max-age=300"})

    async def _nothing(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix(BASE)
        allowed = sorted({one.method for one in ENDPOINTS if _fits(one.path, path)})
        if allowed:
            return problem(405, "this method is not for this path", headers={"Allow": ", ".join(allowed)})
        return problem(404, "there is no such path: see openapi.json")

    def _adapted(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                return await self._answered(endpoint, request)
            except Exception as error:  # noqa: BLE001 - every one becomes a problem
                return _refusal(error)

        return answer

    async def _answered(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        person = await self._caller(request)
        self._spend(person.actor)
        if not person.may_somewhere(endpoint.deed):
            raise NotAllowed(person, endpoint.deed, "")
        content = await _content(request)
        if content is None:
            return problem(413, f"at most {_TOO_MUCH:,} octets")
        key = request.headers.get("Idempotency-Key", "") if endpoint.method == "POST" else ""
        said = hashlib.sha256(endpoint.path.encode() + b"\n" + request.path.encode() + b"\n" + content).hexdigest()
        if key and endpoint.secret:
            raise Mistake(("Idempotency-Key", "not here: the answer may hold a secret, and none is kept"))
        if len(key) > LONGEST_KEY:
            raise Mistake(("Idempotency-Key", f"at most {LONGEST_KEY} letters"))
        if key and (person.actor, key) in self.under_way:
            return problem(
                409, "this very request is being answered: send it again in a while", headers={"Retry-After": "5"}
            )
        with self._under_way(person.actor, key):
            if key and (kept := await asyncio.to_thread(self._kept, person.actor, key)) is not None:
                if kept.said != said:
                    return problem(409, "this Idempotency-Key was used for another request: choose a new one")
                return _json(kept.status, kept.body.encode(), replayed=True)
            return await self._made(endpoint, request, person, content, key, said)

    @contextmanager
    def _under_way(self, actor: str, key: str) -> Iterator[None]:
        """While this lasts a second request of the same key is told to wait: it would be done twice."""
        if key:
            self.under_way.add((actor, key))
        try:
            yield
        finally:
            self.under_way.discard((actor, key))

    async def _made(
        self, endpoint: Endpoint, request: web.Request, person: Person, content: bytes, key: str, said: str
    ) -> web.Response:
        given = self._given(endpoint, request, content)
        call = Call(
            person=person,
            desk=self.console.desk,
            path=request.path,
            now=self.console.desk.clock(),
            matched=dict(request.match_info),
        )
        made = await asyncio.to_thread(endpoint.handler, call, given)
        if isinstance(made, Download):
            return _file(made)
        body = await asyncio.to_thread(_packed, made)
        if key:
            answered = Answered(person.actor, key, said, call.now, endpoint.status, body.decode())
            await asyncio.to_thread(self.console.desk.answers.keep, answered)
        return _json(endpoint.status, body)

    async def _caller(self, request: web.Request) -> Person:
        """Whose token it is; or who is at the browser, with the token of their forms in X-CSRF-Token."""
        desk, now = self.console.desk, self.console.desk.clock()
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.casefold() == "bearer" and 20 <= len(secret.strip()) <= 200:
            digest = digest_of(secret.strip())
            token = await asyncio.to_thread(desk.people.token, digest, today=now.date().isoformat())
            if token is None or not token.holds_at(now):
                raise Unauthorized
            return limited(await asyncio.to_thread(desk.person, token.actor), token.deeds)
        signed_in = await self.console.holder(request)
        if signed_in is None:
            raise Unauthorized
        if request.method != "GET":
            self.console.check_sender(request, signed_in, request.headers.get("X-CSRF-Token", ""))
        return await asyncio.to_thread(desk.person, signed_in.actor)

    def _spend(self, actor: str) -> None:
        now = asyncio.get_running_loop().time()
        bucket = self.buckets.setdefault(actor, Bucket(BURST, now))
        self.buckets.move_to_end(actor)
        bucket.left = min(BURST, bucket.left + (now - bucket.at) * PER_SECOND)
        bucket.at = now
        if bucket.left < 1:
            raise TooMany
        bucket.left -= 1
        while len(self.buckets) > MOST_CALLERS:
            self.buckets.popitem(last=False)

    def _kept(self, actor: str, key: str) -> Answered | None:
        return self.console.desk.answers.kept(actor, key, now=self.console.desk.clock())

    @staticmethod
    def _given(endpoint: Endpoint, request: web.Request, content: bytes) -> BaseModel | None:
        pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        if endpoint.query is not None:
            return read_query(endpoint.query, Fields(pairs))
        if pairs:
            raise Mistake(("query", "this operation takes none"))
        if endpoint.body is None:
            return None
        if request.content_type != "application/json":
            raise Mistake(("body", "send application/json"))
        try:
            value = json.loads(content, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise Mistake(("body", f"this is no JSON: {error}")) from None
        return read(endpoint.body, value)


async def _content(request: web.Request) -> bytes | None:
    """The whole body; None: it is too large."""
    content = bytearray()
    async for piece in request.content.iter_any():  # read(n) would give what has come by now
        content += piece
        if len(content) > _TOO_MUCH:
            return None
    return bytes(content)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _packed(made: BaseModel) -> bytes:
    return made.model_dump_json().encode()


def _json(status: int, body: bytes, *, replayed: bool = False) -> web.Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _file(made: Download) -> web.Response:
    disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
    return web.Response(
        body=made.content, headers={"Content-Type": made.media_type, "Content-Disposition": disposition}
    )


def problem(
    status: int,
    title: str,
    *,
    detail: str = "",
    errors: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A refusal as RFC 9457 spells it."""
    body = Problem(title=title, status=status, detail=detail, errors=errors or []).model_dump_json().encode()
    return web.Response(status=status, body=body, content_type="application/problem+json", headers=headers)


def _refusal(error: Exception) -> web.Response:  # noqa: C901, PLR0912 - one line for each refusal there is
    match error:
        case Unauthorized():
            headers = {"WWW-Authenticate": 'Bearer realm="dvc-edge console"'}
            return problem(401, "send a token: Authorization: Bearer dvc_…", headers=headers)
        case TooMany():
            return problem(429, "too many calls", headers={"Retry-After": "5"})
        case Forged():
            return problem(403, "send the session's token as X-CSRF-Token")
        case NotAllowed() | OwnRole():
            return problem(403, "not allowed", detail=str(error))
        case NotByToken():
            return problem(403, "only somebody at a browser may do this", detail="sign in, and send X-CSRF-Token")
        case FourEyes() | NotApproved():
            return problem(403, "a second person has to approve", detail=str(error))
        case Mistake():
            return problem(
                422, "something is to be corrected", errors=[f"{name}: {text}" for name, text in error.wrong]
            )
        case BadObject() | TwiceInBatch():
            return problem(422, "this cannot be kept", detail=str(error))
        case NotFound() | UnknownVersion() | NumberGone():
            return problem(404, "there is no such thing")
        case ObjectChanged() | WrongState() | DraftChanged() | UndoRefused() | BatchTaken():
            return problem(409, "it has changed", detail=str(error))
        case StoreDown():
            return problem(503, "the store of sign-in does not answer", headers={"Retry-After": "30"})
        case StoreBusy():
            return problem(503, "somebody else is writing", headers={"Retry-After": "5"})
        case SealBroken():
            return problem(503, "what was kept cannot be unsealed: give the console its former sealing keys")
        case SQLAlchemyError():
            return problem(503, "the database does not answer", headers={"Retry-After": "30"})
        case web.HTTPException():
            return problem(error.status, error.reason)
    if type(error) is LookupError:  # as in the pages: the register's own word
        return problem(404, "there is no such thing", detail=str(error))
    code = speakable_id()
    logging.getLogger(__name__).error("%s: a call of the API failed", code, exc_info=error)
    return problem(500, "it failed", detail=code)


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        one.startswith("{") or one == other for one, other in zip(parts, given, strict=True)
    )


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 description, made from the models."""
    models: set[type[BaseModel]] = {Problem}
    for one in ENDPOINTS:
        models |= {model for model in (one.answer, one.query, one.body) if isinstance(model, type)}
    ordered = sorted(models, key=lambda model: model.__name__)
    reference, schemas = models_json_schema(
        [(model, "serialization" if model is Problem else "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
    )
    refs: dict[Any, Any] = {model: schema for (model, _), schema in reference.items()}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, refs, schemas["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dvc-edge console",
            "version": __version__,
            "description": "The functions of the console. Everything that changes the rules changes the draft; nobody "
            "sees it until it is published.",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Refused": {
                    "description": "Refused, in words",
                    "content": {"application/problem+json": {"schema": refs[Problem]}},
                }
            },
        },
    }


def _operation(endpoint: Endpoint, refs: Mapping[type[BaseModel], Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name[1:-1], "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in endpoint.path.split("/")
        if name.startswith("{")
    ]
    if endpoint.query is not None:
        schema = schemas[endpoint.query.__name__]
        required = schema.get("required", ())
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": described}
            for name, described in schema["properties"].items()
        ]
    if endpoint.method == "POST" and not endpoint.secret:
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}})
    found: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "x-right": endpoint.deed.value,
        "parameters": parameters,
        "responses": {
            str(endpoint.status): {
                "description": "Begun" if endpoint.status == 202 else "Done",
                "content": _content_of(endpoint, refs),
            },
            **{
                str(status): {"$ref": "#/components/responses/Refused"}
                for status in (401, 403, 404, 405, 409, 413, 422, 429, 503)
            },
        },
    }
    if endpoint.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[endpoint.body]}}}
    return found


def _content_of(endpoint: Endpoint, refs: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    if isinstance(endpoint.answer, str):
        return {endpoint.answer: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": refs[endpoint.answer]}}
