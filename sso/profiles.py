"""What a client's profile demands of it: `basic` (OpenID Connect Core) or `fapi2` (FAPI 2.0 Security Profile)."""

from sso import jws
from sso.model import Client


def must_push(client: Client) -> bool:
    """Whether its authorization requests must come through PAR (FAPI 2.0 §5.3.2.2)."""
    return client.pushed_request_required or client.profile == "fapi2"


def must_bind(client: Client) -> bool:
    """Whether its tokens must be bound to a key (FAPI 2.0 §5.3.2.1: sender-constrained)."""
    return client.dpop_required or client.profile == "fapi2"


def algorithms(client: Client) -> frozenset[str]:
    """What it may sign with (FAPI 2.0 §5.4.1)."""
    return jws.STRONG if client.profile == "fapi2" else jws.ASYMMETRIC


def code_seconds(client: Client) -> int:
    """How long its codes live: a minute at most where FAPI 2.0 §5.3.2.1 says so."""
    return min(client.lifetimes.code, 60) if client.profile == "fapi2" else client.lifetimes.code
