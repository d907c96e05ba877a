"""What each profile demands."""

import dataclasses

from sso import profiles
from tests.sign_in_peers.issuer import CLIENTS

ALPHA, GAMMA = CLIENTS["alpha"], CLIENTS["gamma"]


def test_fapi2_pushes_binds_and_signs_strongly() -> None:
    assert profiles.must_push(GAMMA)
    assert profiles.must_bind(GAMMA)
    assert "RS256" not in profiles.algorithms(GAMMA)


def test_basic_may_do_so_where_its_record_says() -> None:
    assert not profiles.must_push(ALPHA)
    assert not profiles.must_bind(ALPHA)
    assert profiles.must_push(dataclasses.replace(ALPHA, pushed_request_required=True))
    assert profiles.must_bind(dataclasses.replace(ALPHA, dpop_required=True))


def test_codes_of_fapi2_live_a_minute_at_most() -> None:
    long = dataclasses.replace(GAMMA.lifetimes, code=600)
    assert profiles.code_seconds(dataclasses.replace(GAMMA, lifetimes=long)) == 60
    assert profiles.code_seconds(dataclasses.replace(ALPHA, lifetimes=long)) == 600
