"""The issuer, for attacks on sign-in; and an edge whose fast lane is that of old."""

from tests.proxy.conftest import no_new_notices
from tests.sign_in_peers.fixtures import desk, state, store_url

__all__ = ["desk", "no_new_notices", "state", "store_url"]
