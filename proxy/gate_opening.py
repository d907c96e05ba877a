"""The gate of one process, made of sign-in at work and of conf/sign_in.toml."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from proxy.config import Settings
from proxy.gate import Gate
from proxy.portal_entrances import PortalEntrances
from proxy.portal_sessions import Lifetimes, PortalSessions
from proxy.sign_in_paths import SignInPaths, parse_sign_in
from redirect_rules.model import Portal
from redirect_rules.sources import Document, Problem, Problems
from sso.model import Client

if TYPE_CHECKING:
    from proxy.login.opening import SignIn


def read_paths(
    settings: Settings,
    portals: Iterable[Portal],
    clients: Mapping[str, Client],
    upstreams: Collection[str] | None = None,
) -> SignInPaths:
    """Which paths need a sign-in; none where the file is not there.  Raises Problems."""
    path = settings.path(settings.sso.paths)
    if not path.is_file():
        return SignInPaths()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(str(path), 0, f"cannot be read: {error}")]) from None
    by_id = {portal.id: portal for portal in portals}
    return parse_sign_in(Document(str(path), text), portals=by_id, clients=clients, upstreams=upstreams)


def gate_of(settings: Settings, sign_in: "SignIn", portals: Iterable[Portal]) -> Gate:
    """The gate.  Raises Problems."""
    broker = sign_in.broker
    sessions = PortalSessions(
        sign_in.store,
        issuer=broker.issuer,
        clock=broker.clock,
        secrets=broker.secrets,
        lifetimes=Lifetimes(settings.sso.session_idle_minutes * 60, settings.sso.session_hours * 3_600),
    )

    def clients() -> Mapping[str, Client]:
        return broker.clients

    entrances = PortalEntrances(
        sessions, signer=broker.current_signer, clients=clients, limiter=sign_in.limiter, audit=sign_in.audit
    )
    return Gate(
        read_paths(settings, portals, sign_in.known),
        sessions=sessions,
        entrances=entrances,
        signer=broker.current_signer,
        clients=clients,
        metrics=sign_in.metrics,
        trust=settings.passing.trust(),
    )
