"""The issuer, for attacks on sign-in."""

from tests.sign_in_peers.fixtures import desk, state, store_url

__all__ = ["desk", "state", "store_url"]
