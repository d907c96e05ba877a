"""What a client learns of a token: of its own everything, of others nothing."""

from dataclasses import replace

import pytest

from sso import introspection
from sso.parameters import Parameters
from sso.refusals import Refusal
from tests.sign_in_peers.issuer import CLIENTS
from tests.sso.specimens import GRANT, NOW, TOKEN

ALPHA = CLIENTS["alpha"]
MINE, FAMILY = replace(TOKEN, client="alpha"), replace(GRANT, client="alpha")


def test_its_own_access_token() -> None:
    told = introspection.of_access_token(replace(MINE, jkt="key"), ALPHA, subject="me", issuer="https://i", now=NOW)
    assert told is not None
    assert (told["active"], told["sub"], told["client_id"], told["cnf"]) == (True, "me", "alpha", {"jkt": "key"})
    assert (told["iat"], told["exp"]) == (NOW, NOW + 300)


@pytest.mark.parametrize("token", [None, TOKEN, replace(MINE, expires_at=NOW)])
def test_of_others_and_of_dead_ones_nothing(token: object) -> None:
    assert introspection.of_access_token(token, ALPHA, subject="me", issuer="i", now=NOW) is None  # type: ignore[arg-type]  # a table's column


def test_refresh_tokens_alike() -> None:
    told = introspection.of_refresh_token(FAMILY, ALPHA, subject="me", issuer="https://i")
    assert told is not None
    assert told["active"] is True
    assert introspection.of_refresh_token(GRANT, ALPHA, subject="me", issuer="https://i") is None
    assert introspection.of_refresh_token(None, ALPHA, subject="", issuer="https://i") is None


def test_nothing_but_that_is_said_of_what_is_not_active() -> None:
    assert introspection.INACTIVE == {"active": False}


def test_a_question_without_a_token_is_none() -> None:
    with pytest.raises(Refusal):
        introspection.token_asked(Parameters({}))
