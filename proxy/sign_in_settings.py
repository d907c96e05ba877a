"""Signing people in: who we are to clients, how long people stay signed in, and how often anybody may ask."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from proxy.setting_types import Port, is_network
from redirect_rules.parsing import StrictModel


class SignInLimits(StrictModel):
    """How often, for one client from one address; 0: as often as anybody likes."""

    # Requests a minute, in each worker
    sign_in: Annotated[int, Field(ge=0)] = 120  # people who leave for an upstream
    authorize: Annotated[int, Field(ge=0)] = 600
    par: Annotated[int, Field(ge=0)] = 30_000
    token: Annotated[int, Field(ge=0)] = 30_000
    introspection: Annotated[int, Field(ge=0)] = 60_000
    userinfo: Annotated[int, Field(ge=0)] = 60_000  # from one address, whichever the client
    # Failures within five minutes, in all workers and nodes
    wrong_secrets: Annotated[int, Field(ge=0)] = 10
    wrong_codes: Annotated[int, Field(ge=0)] = 20
    wrong_tickets: Annotated[int, Field(ge=0)] = 20

    @property
    def rates(self) -> dict[str, int]:
        """Of requests, as `sso.limits.RATES` calls them."""
        named = ("sign_in", "authorize", "par", "token", "introspection", "userinfo")
        return {name.replace("_", "-"): getattr(self, name) for name in named}

    @property
    def failures(self) -> dict[str, int]:
        """Of failures, as `sso.limits.LIMITS` calls them."""
        return {"client-secret": self.wrong_secrets, "code": self.wrong_codes, "ticket": self.wrong_tickets}


class SignInSettings(StrictModel):
    """Signing people in; off while no issuer is named."""

    issuer: str = ""  # "https://signin.example.vn", without a slash at its end: how clients know us
    environment: Literal["development", "production"] = "production"
    clients: str = "clients"  # folder: a file for each system that people are signed in for
    upstreams: str = "upstreams"  # folder: a file for each provider that knows people
    paths: str = "sign_in.toml"  # which paths of portals need a sign-in
    keys: str = ""  # folder of our keys; "": `keys` below state.folder
    store: str = ""  # redis://HOST:6379/0, redis+sentinel://…; "": a Valkey of our own below state.folder
    session_idle_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    private_networks: list[str] = []  # that our own calls to clients may reach
    audit_days: Annotated[int, Field(ge=0, le=3_660)] = 400  # 0: audit files stay for ever
    limits: SignInLimits = SignInLimits()
    simulator: Port = 0  # development only: where the simulated providers listen; 0: nowhere

    @model_validator(mode="after")
    def _can_be_an_issuer(self) -> Self:
        problems = [
            f"private_networks: {text!r} is no network: write 10.20.0.0/16"
            for text in self.private_networks
            if not is_network(text)
        ]
        if self.issuer:
            problems += _issuer_problems(self.issuer, development=self.environment == "development")
        if self.simulator and self.environment != "development":
            problems.append('simulator: it signs in anybody as anybody: only with environment = "development"')
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _issuer_problems(issuer: str, *, development: bool) -> Iterator[str]:
    """What speaks against an issuer (OIDC Discovery §3): it is compared letter by letter, and cookies depend on it."""
    try:
        parts = urlsplit(issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield f"issuer: {issuer!r} is no address"
        return
    if not host or issuer != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or issuer != issuer.lower():
        yield f"issuer: write {parts.scheme or 'https'}://HOST in small letters, without a path and a slash at its end"
    local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" and not (development and local and parts.scheme == "http"):
        yield 'issuer: must be https (http only on *.localhost with environment = "development")'
    if development and not local:
        yield 'environment: "development" is for issuers on *.localhost: write "production"'
