"""What the commands on sign-in share."""

import pytest

from proxy.commands.sign_in import shown, telling
from redirect_rules.sources import Problems
from sso.keys import KeysRefused
from sso.sources import Mistake, Mistakes
from sso.store import StoreUnavailable
from sso.stores.addresses import BadAddress
from sso.stores.embedded import NotStarted
from sso.stores.key_folder import KeysUnreadable


def test_an_instant_is_shown_as_people_in_viet_nam_read_it() -> None:
    assert shown(1_751_302_800) == "2025-07-01 00:00:00"
    assert shown(None) == ""


@pytest.mark.parametrize("kind", [KeysRefused, KeysUnreadable, NotStarted, BadAddress, StoreUnavailable])
def test_a_refusal_is_a_sentence(kind: type[Exception]) -> None:
    def refuse() -> None:
        raise kind("what to do instead")

    with pytest.raises(Problems, match="what to do instead"):
        telling("keys", refuse)


def test_mistakes_of_files_keep_their_lines() -> None:
    def refuse() -> None:
        raise Mistakes([Mistake("clients/a.toml", 7, "x")])

    with pytest.raises(Problems, match=r"clients/a\.toml:7: x"):
        telling("keys", refuse)


def test_another_exception_is_a_fault_of_ours() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        telling("keys", fail)
