"""An upstream's words become ours, by tables."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sso.upstreams.claim_mapping import ClaimMapping, Form, Source, account_of, level_of, mapped, subject_of
from sso.upstreams.failures import Fault, UpstreamRefused
from sso.vocabulary import AccountType, Claim, Level

# form            as told                    as kept ("": left out)
VALUES: list[tuple[Form, object, str]] = [
    ("date",       "19540902",                "1954-09-02"),
    ("date",       "1954-09-02",              "1954-09-02"),
    ("date",       "2/9/1954",                "1954-09-02"),
    ("date",       "02/09/1954",              "1954-09-02"),
    ("date",       "1954",                    "1954"),
    ("date",       "19540000",                "1954"),
    ("date",       "19540231",                ""),
    ("date",       "1954-13-01",              ""),
    ("date",       "hôm qua",                 ""),
    ("date",       19540902,                  "1954-09-02"),
    ("date",       "١٩٥٤٠٩٠٢",                ""),
    ("citizen-id", "001154000001",            "001154000001"),
    ("citizen-id", " 001154000001 ",          "001154000001"),
    ("citizen-id", "00115400001",             ""),
    ("citizen-id", "00115400000a",            ""),
    ("citizen-id", 1154000001,                ""),
    ("old-id",     "082000001",               "082000001"),
    ("old-id",     "0820000012",              ""),
    ("phone",      "0912345678",              "+84912345678"),
    ("phone",      "0912 345 678",            "+84912345678"),
    ("phone",      "+84912345678",            "+84912345678"),
    ("phone",      "12345",                   ""),
    ("email",      "an@example.vn",           "an@example.vn"),
    ("email",      "an@@example.vn",          ""),
    ("email",      "an@example.vn, b@x.vn",   ""),
    ("code",       "0100000001-001",          "0100000001-001"),
    ("code",       "<b>1</b>",                ""),
    ("text",       "Nguyễn  Văn\tAn ",        "Nguyễn Văn An"),
    ("text",       "Nguyễn",                "Nguyễn"),
    ("text",       "a\u202eb",                ""),
    ("text",       "a" * 501,                 ""),
    ("text",       True,                      ""),
    ("text",       None,                      ""),
    ("text",       ["An"],                    ""),
]  # fmt: skip


@pytest.mark.parametrize(("form", "told", "kept"), VALUES)
def test_a_value_has_its_form_or_is_left_out(form: Form, told: object, kept: str) -> None:
    found = mapped({"x": told}, ClaimMapping(claims={Claim.NAME: Source("x", form)}))
    assert found == ({Claim.NAME: kept} if kept else {})


def test_only_what_is_named_is_kept() -> None:
    told = {"HoVaTen": "An", "userProfileUri": "https://x.example/?token=t", "logoutUri": "https://x.example/?token=t"}
    found = mapped(told, ClaimMapping(claims={Claim.NAME: Source("HoVaTen")}))
    assert found == {Claim.NAME: "An"}


@pytest.mark.parametrize("subject", [None, "", 7, "a" * 256, "a\x00b", ["a"]])
def test_an_account_without_a_usable_id_is_refused(subject: object) -> None:
    with pytest.raises(UpstreamRefused) as refused:
        subject_of({"TechID": subject}, ClaimMapping(subject="TechID"), "vnconnect")
    assert refused.value.fault is Fault.SUBJECT


ACCOUNTS = ClaimMapping(account="type", accounts={"1": AccountType.CITIZEN, "2": AccountType.ORGANISATION})


@pytest.mark.parametrize(
    ("told", "account"), [("1", AccountType.CITIZEN), (1, AccountType.CITIZEN), ("2", AccountType.ORGANISATION)]
)
def test_the_sort_of_account_is_a_table(told: object, account: AccountType) -> None:
    assert account_of({"type": told}, ACCOUNTS, "x") is account


@pytest.mark.parametrize("told", [{}, {"type": "3"}, {"type": True}, {"type": None}])
def test_an_account_of_a_sort_that_nobody_named_is_refused(told: Mapping[str, object]) -> None:
    with pytest.raises(UpstreamRefused) as refused:
        account_of(told, ACCOUNTS, "x")
    assert refused.value.fault is Fault.CLAIMS


LEVELS = ClaimMapping(level="loAs", levels={"LoA1": Level.ONE, "LoA2": Level.TWO})


@given(st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text()))
def test_no_unknown_word_for_a_level_is_ever_enough(told: object) -> None:
    assume(str(told).strip() not in LEVELS.levels)
    assured = ClaimMapping(level="loAs", levels=LEVELS.levels, level_untold=Level.ONE)
    assert level_of({"loAs": told}, assured, "x") is Level.ONE
    with pytest.raises(UpstreamRefused):
        level_of({"loAs": told}, LEVELS, "x")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.none()))
def test_whatever_is_told_what_is_kept_is_clean(told: dict[str, object]) -> None:
    sources = {claim: Source(name, "text") for claim, name in zip(Claim, told, strict=False)}
    for value in mapped(told, ClaimMapping(claims=sources)).values():
        assert value.isprintable()
        assert value == value.strip()
        assert not re.search(r"\s\s", value)
