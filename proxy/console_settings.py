"""The officers' pages: where they answer, and how officers sign in to them."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from proxy.setting_types import Address, Port


class ConsoleSettings(Address):
    """The officers' address."""

    enabled: bool = False  # whether `dvc-edge serve` runs it beside the workers
    port: Port = 8083
    public: str = ""  # how officers reach it, "https://console.example.vn"; "": http on the address itself
    # Officers sign in by our own broker, for which the console is a client like any other: one of the four says how
    # it shows that it is that client; none: passwords only.
    client_id: Annotated[str, Field(min_length=1)] = "console"
    secret_file: str = ""
    secret_variable: str = ""
    secret: Annotated[str, Field(repr=False)] = ""  # development only
    signing_key_file: str = ""  # a private JWK
    level: Literal[1, 2] = 2  # of assurance, at least
    passwords: Literal["until-linked", "keep"] = "until-linked"
    sealing_keys_file: str = ""  # "": FOLDER/console/sealing.keys, made where there is none
    operations: str = ""  # where the edge answers operators, "http://10.0.0.5:8082"; "": as this configuration says

    @property
    def by_broker(self) -> bool:
        """Whether officers can sign in by the broker."""
        return bool(self.secret_file or self.secret_variable or self.secret or self.signing_key_file)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        problems = [*_public_problems(self.public)] if self.public else []
        ways = ("secret_file", "secret_variable", "secret", "signing_key_file")
        if len(given := [name for name in ways if getattr(self, name)]) > 1:
            problems.append(f"{given[1]}: {given[0]} says it already: keep one of the two")
        if given and not self.public:
            problems.append("public: the broker sends officers back to this address: write how they reach the console")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _public_problems(public: str) -> Iterator[str]:
    """What speaks against an address of the console: the broker compares it letter by letter."""
    try:
        parts = urlsplit(public)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield f"public: {public!r} is no address"
        return
    if not host or public != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or public != public.lower():
        yield "public: write https://HOST in small letters, without a path and a slash at its end"
    local = host in {"localhost", "127.0.0.1"} or host.endswith(".localhost")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        yield "public: must be https (http only on this machine)"
