"""An upstream's metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2): read, and believed only within limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sso import json_objects

PATH: Final = "/.well-known/openid-configuration"


class BadMetadata(ValueError):
    """The document must not be used.  The text says which field and why, without its value."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What we use of it.  Every URI is on a host that the configuration names."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    end_session_endpoint: str | None = None
    names_issuer: bool = False  # its answers carry `iss` (RFC 9207 §3)


def uri_of(issuer: str) -> str:
    """Where the document is (OpenID Connect Discovery §4.1)."""
    return issuer.removesuffix("/") + PATH


def read(body: bytes, *, issuer: str, hosts: frozenset[str], development: bool) -> Metadata:
    """The metadata of this issuer and no other.  Raises BadMetadata.

    hosts  where endpoints may be: a poisoned document sends neither people nor secrets elsewhere
    """
    try:
        document = json_objects.read(body)
    except json_objects.NotAnObject as error:
        raise BadMetadata(str(error)) from None
    if document.get("issuer") != issuer:  # exact, OpenID Connect Discovery §4.3
        raise BadMetadata("issuer: not the one that was asked")

    def endpoint(name: str) -> str | None:
        value = document.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or (problem := uri_problem(value, hosts=hosts, development=development)):
            raise BadMetadata(f"{name}: {problem if isinstance(value, str) else 'no text'}")
        return value

    authorization, token = endpoint("authorization_endpoint"), endpoint("token_endpoint")
    if authorization is None or token is None:
        raise BadMetadata("authorization_endpoint and token_endpoint must be there")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=authorization,
        token_endpoint=token,
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        end_session_endpoint=endpoint("end_session_endpoint"),
        names_issuer=_flag(document, "authorization_response_iss_parameter_supported"),
    )


def _flag(document: Mapping[str, object], name: str) -> bool:
    return document.get(name) is True


def uri_problem(uri: str, *, hosts: frozenset[str], development: bool) -> str:
    """What speaks against using a URI; "": nothing."""
    if not uri.isascii() or not uri.isprintable() or any(mark in uri for mark in ' \\"<>'):
        return "write an address in plain ASCII, without blanks and backslashes"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "no address"
    local = host == "localhost" or host.endswith(".localhost") or host == "127.0.0.1"
    if parts.scheme != "https" and not (development and local and parts.scheme == "http"):
        return "write an https address (http is for *.localhost in development)"
    if not host or "@" in parts.netloc or parts.fragment:
        return "write an address with a host, without a user and without a #"
    if host not in hosts:
        return "its host is neither the issuer's nor one of `hosts`"
    return ""
