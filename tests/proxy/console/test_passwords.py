"""Passwords and codes: what is refused, how long an account waits, and the vectors of RFC 6238."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from proxy.console.passwords import (
    FREE_FAILURES,
    WeakPassword,
    hash_of,
    judge,
    refused,
    totp,
    totp_address,
    totp_agrees,
)
from redirect_rules.people import Password

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RIGHT = "mot hai ba bon nam"
KEPT = Password("an", hash_of(RIGHT))


@pytest.fixture(autouse=True)
def cheap() -> None:
    """Here passwords cost what they cost in production."""


RFC_6238_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_6238_APPENDIX_B = [  # the SHA-1 rows, of whose eight digits an application shows the last six
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
]


@pytest.mark.parametrize(("seconds", "digits"), RFC_6238_APPENDIX_B)
def test_the_codes_are_those_of_the_standard(seconds: int, digits: str) -> None:
    assert totp(RFC_6238_SECRET, datetime.fromtimestamp(seconds, UTC)) == digits[-6:]


@pytest.mark.parametrize("written", ["{}", " {} ", "{} ", "\t{}"])
def test_a_code_is_read_however_it_is_typed(written: str) -> None:
    code = totp(RFC_6238_SECRET, NOW)
    assert totp_agrees(RFC_6238_SECRET, written.format(f"{code[:3]} {code[3:]}"), now=NOW) is not None


@pytest.mark.parametrize(("late", "agrees"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_telephone_may_be_half_a_minute_off(late: int, agrees: bool) -> None:  # noqa: FBT001
    code = totp(RFC_6238_SECRET, NOW + timedelta(seconds=late))
    step = totp_agrees(RFC_6238_SECRET, code, now=NOW)
    assert step == (int(NOW.timestamp()) // 30 + late // 30 if agrees else None)


@pytest.mark.parametrize("typed", ["", "0", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800"])
def test_what_is_no_code_agrees_with_nothing(typed: str) -> None:
    assert totp_agrees(RFC_6238_SECRET, typed, now=NOW) is None


def test_what_a_telephone_reads_says_whose_it_is() -> None:
    assert (
        totp_address("ABC", "nguyễn an") == "otpauth://totp/dvc-edge%3Anguy%E1%BB%85n%20an?secret=ABC&issuer=dvc-edge"
    )


WEAK = [
    ("short enough"[:11], "password-short"),
    ("x" * 257, "password-long"),
    ("aaaaaaaaaaaa", "password-easy"),
    ("abababababab", "password-easy"),
    ("I am An.Nguyen indeed", "password-easy"),
]


@pytest.mark.parametrize(("password", "reason"), WEAK)
def test_what_is_easily_guessed_is_not_kept(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        hash_of(password, actor="an.nguyen")
    assert str(refusal.value) == reason


def test_the_right_one_is_right_and_another_is_not() -> None:
    assert judge(KEPT, RIGHT, now=NOW).ok
    assert not judge(KEPT, RIGHT + "!", now=NOW).ok
    assert not judge(None, RIGHT, now=NOW).ok, "nobody has a password"


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(0, 0), (FREE_FAILURES - 2, 0), (4, 1), (5, 2), (6, 4), (7, 8), (8, 16), (9, 32), (10, 60), (500, 60)],
)
def test_the_wait_doubles_from_a_minute_to_an_hour(failures: int, minutes: int) -> None:
    until = NOW + timedelta(minutes=minutes) if minutes else None
    kept = replace(KEPT, failures=failures)
    assert refused(kept, now=NOW).locked_until == until
    if failures in {4, 500}:
        assert judge(kept, "wrong", now=NOW).locked_until == until, "a wrong password is as bad as a wrong code"


def test_an_account_that_waits_refuses_even_the_right_password_until_it_has_waited() -> None:
    waiting = replace(KEPT, failures=5, locked_until=NOW + timedelta(minutes=1))
    assert judge(waiting, RIGHT, now=NOW).locked_until == waiting.locked_until
    assert not judge(waiting, RIGHT, now=NOW).ok
    assert judge(waiting, RIGHT, now=NOW + timedelta(minutes=1)).ok


def test_a_hash_of_weaker_days_is_made_anew_at_the_next_sign_in() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8_192).hash(RIGHT)
    verdict = judge(replace(KEPT, hash=weaker), RIGHT, now=NOW)
    assert verdict.ok
    assert judge(replace(KEPT, hash=verdict.rehash), RIGHT, now=NOW).rehash == ""


def test_a_hash_that_nobody_can_read_lets_nobody_in() -> None:
    assert not judge(replace(KEPT, hash="$"), RIGHT, now=NOW).ok


def test_guessing_costs_what_the_standard_recommends() -> None:
    """RFC 9106 §4, the second choice: three passes over 64 MiB."""
    kept = extract_parameters(KEPT.hash)
    assert kept.type is Type.ID
    assert kept.time_cost >= 3
    assert kept.memory_cost >= 64 * 1024
