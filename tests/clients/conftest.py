"""The issuer, for clients that other people wrote."""

from tests.sign_in_peers.fixtures import state, store_url

__all__ = ["state", "store_url"]
