"""What somebody typed into a form that came to a closed page, so that it can be shown back.  Stored nowhere.

Passwords and one-time codes are never shown; files only by their names; the page's own tokens mean nothing to people.
"""

import asyncio
import re
import unicodedata
import warnings
import zlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    HttpVersion11,
    MultipartReader,
    StreamReader,
)
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import BaseRequest, RequestPayloadError

LONGEST_VALUE: Final = 4_000
MOST_FIELDS: Final = 200
_READ_SECONDS: Final = 20

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {"pass", "password", "passwd", "passcode", "pwd", "pin", "pincode", "otp", "cvv", "cvc", "token", "secret", "auth"}
    | {"captcha", "recaptcha", "sid", "session", "sessionid", "phpsessid", "jsessionid", "securecode"}
)
_SECRET_PHRASES = ("matkhau", "maxacthuc", "maotp", "securecode", "sessid", "csrf")
_TECHNICAL = re.compile(
    r"__|javax\.faces|_csrf|csrf|authenticity_token|p_auth|p_p_|_method|requestverification|viewstate|jsessionid|utf8\Z",
    re.IGNORECASE,
)

_BROKEN_HEADS = (BadContentDispositionHeader, BadContentDispositionParam)
for _warning in _BROKEN_HEADS:
    # aiohttp would print the head of the part, and with it what somebody typed, to standard error.
    warnings.filterwarnings("error", category=_warning)

# What aiohttp raises for broken bodies and multipart heads; LookupError for a charset that nobody knows.
_UNREADABLE = (
    ValueError,
    LookupError,
    TimeoutError,
    AssertionError,
    ConnectionError,
    zlib.error,
    RequestPayloadError,
    HttpProcessingError,
    *_BROKEN_HEADS,
)


@dataclass(frozen=True, slots=True)
class TypedForm:
    """The readable part of a posted form."""

    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    cut: bool = False
    unreadable: bool = False


def is_secret(name: str) -> bool:
    """Whether a field holds what opens a door, by the words of its name: "passportNo" does not, "ma_xac_thuc" does."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    words = [word.lower() for word in _WORD.findall(plain.replace("đ", "d").replace("Đ", "D"))]
    joined = "".join(words)
    return bool(_SECRET_WORDS & set(words)) or joined.endswith("token") or any(p in joined for p in _SECRET_PHRASES)


async def read_form(request: BaseRequest, *, limit: int) -> TypedForm:
    """Read at most `limit` bytes of typed text within 20 seconds; never raises for what was sent."""
    try:
        async with asyncio.timeout(_READ_SECONDS):
            await _say_continue(request)
            match request.content_type:
                case "application/x-www-form-urlencoded":
                    return await _urlencoded(await _unpacked(request, limit), limit)
                case "multipart/form-data":
                    return await _multipart(request, await _unpacked(request, limit), limit)
    except _UNREADABLE:
        return TypedForm(unreadable=True)
    return TypedForm(unreadable=request.can_read_body)


async def _say_continue(request: BaseRequest) -> None:
    """Who asks before sending waits for a word (RFC 9110 §10.1.1): what was typed is worth having."""
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer itself is sent yet


async def _unpacked(request: BaseRequest, limit: int) -> StreamReader:
    """The body as it was before it was packed (RFC 9110 §8.4); no browser packs forms, but some programs do.

    At most `limit` octets of a packed body are read, and one more than `limit` unpacked: a small body can become a
    huge one.  Raises ValueError for a coding that nobody here knows.
    """
    coding = ", ".join(request.headers.getall("Content-Encoding", ())).strip().lower()
    if coding in {"", "identity"}:
        return request.content
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError(f"a coding that is not read: {coding[:20]}")
    packed = bytearray()
    async for chunk in request.content.iter_any():
        packed += chunk
        if len(packed) > limit:
            raise ValueError("a packed body that is too long")
    # "deflate" is zlib's wrapping, or by an old mistake none (RFC 9110 §8.4.1.2).
    wrapped = coding != "deflate" or packed[:1] == b"" or packed[0] & 0x0F == 8
    inflater = zlib.decompressobj((47 if coding != "deflate" else 15) if wrapped else -15)
    body = StreamReader(request.protocol, limit=max(limit, 1 << 16), loop=asyncio.get_running_loop())
    body.feed_data(inflater.decompress(bytes(packed), limit + 1))
    body.feed_eof()
    return body


async def _urlencoded(content: StreamReader, limit: int) -> TypedForm:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    cut = len(body) > limit
    text = bytes(body[:limit]).decode("utf-8", "replace")
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=100_000)
    return _typed(pairs, (), cut=cut)


async def _multipart(request: BaseRequest, content: StreamReader, limit: int) -> TypedForm:
    pairs: list[tuple[str, str]] = []
    files: list[str] = []
    room = limit
    async for part in MultipartReader(request.headers, content):
        if not isinstance(part, BodyPartReader) or len(pairs) + len(files) >= MOST_FIELDS * 2:
            return _typed(pairs, tuple(files), cut=True)
        if part.filename is not None:
            if part.filename:
                files.append(part.filename[:LONGEST_VALUE])
            await part.release()
            continue
        value = bytearray()
        while room > 0 and (chunk := await part.read_chunk()):
            value += chunk[:room]
            room -= len(chunk)
        pairs.append((part.name or "", value.decode("utf-8", "replace")))
        if room <= 0:
            return _typed(pairs, tuple(files), cut=True)
    return _typed(pairs, tuple(files), cut=False)


def _typed(pairs: list[tuple[str, str]], files: tuple[str, ...], *, cut: bool) -> TypedForm:
    """Keep what a person typed, in its order."""
    fields = [
        (name[:200], value[:LONGEST_VALUE])
        for name, value in pairs
        if value.strip() and not is_secret(name) and not _TECHNICAL.match(name)
    ]
    too_long = any(len(value) > LONGEST_VALUE for _, value in pairs)
    return TypedForm(tuple(fields[:MOST_FIELDS]), files, cut or too_long or len(fields) > MOST_FIELDS)
