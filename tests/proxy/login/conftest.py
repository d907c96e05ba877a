"""The issuer over HTTP."""

from tests.sign_in_peers.fixtures import desk, state, store_url

__all__ = ["desk", "state", "store_url"]
