"""Attacks on sign-in, each with its tests: nobody can take one away unseen.

What does not exist cannot be attacked: there is neither a CAS nor a SAML adapter.  Whoever builds one adds its attacks.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent.parent

ATTACKS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        1: ("a redirect URI that is nearly the registered one", "attacks/test_sign_in_requests.py::test_1_"),
        2: ("the same where people are sent on otherwise", "attacks/test_sign_in_sessions.py::test_2_"),
        3: ("an error that leads to an address of the attacker", "attacks/test_sign_in_requests.py::test_3_"),
        4: ("an answer of another upstream (mix-up)", "attacks/test_sign_in_upstreams.py::test_4_"),
        5: ("a code put into another's answer", "attacks/test_sign_in_upstreams.py::test_5_"),
        6: ("being signed in as somebody else (login CSRF)", "attacks/test_sign_in_upstreams.py::test_6_"),
        7: (
            "a ticket taken by another client",
            "attacks/test_login_tickets.py::test_a_ticket_is_burned_by_another_client",
        ),
        8: ("a session id known beforehand", "attacks/test_sign_in_sessions.py::test_8_"),
        9: ("a cookie tossed in", "attacks/test_sign_in_sessions.py::test_9_"),
        10: ("a code that comes again", "attacks/test_sign_in_tokens.py::test_10_"),
        11: ("twenty who redeem one code at once", "attacks/test_sign_in_tokens.py::test_11_"),
        12: ("a code shown by another client", "attacks/test_sign_in_tokens.py::test_12_"),
        13: ("PKCE left out or weakened", "attacks/test_sign_in_tokens.py::test_13_"),
        14: ("a parameter twice", "attacks/test_sign_in_requests.py::test_14_"),
        15: ("another response type or mode", "attacks/test_sign_in_requests.py::test_15_"),
        16: ("a refresh token that comes again", "attacks/test_sign_in_tokens.py::test_16_"),
        17: ("a wider scope at a refresh", "attacks/test_sign_in_tokens.py::test_17_"),
        18: ("alg none in every spelling", "attacks/test_sign_in_requests.py::test_18_"),
        19: ("a public key used as a secret", "attacks/test_sign_in_requests.py::test_19_"),
        20: ("a kid that is a path or a query", "attacks/test_sign_in_requests.py::test_20_"),
        21: ("keys in the header", "attacks/test_sign_in_requests.py::test_21_"),
        22: ("extensions that change what is signed", "attacks/test_sign_in_requests.py::test_22_"),
        23: ("a poisoned key set", "attacks/test_sign_in_upstreams.py::test_23_"),
        24: ("poisoned metadata", "attacks/test_sign_in_upstreams.py::test_24_"),
        25: ("one kind of token for another", "attacks/test_sign_in_requests.py::test_25_"),
        26: (
            "an assertion for one province at another",
            "attacks/test_identity_headers.py::test_an_assertion_for_one_province_is_worth_nothing_at_another",
        ),
        27: ("times that are missing or are none", "attacks/test_sign_in_requests.py::test_27_"),
        28: ("tokens that are expensive to read", "attacks/test_token_bombs.py::test_28_"),
        29: ("a name twice in JSON", "attacks/test_sign_in_requests.py::test_29_"),
        30: ("a signature of zeros", "attacks/test_sign_in_requests.py::test_30_"),
        31: ("an assertion or a proof that comes again", "attacks/test_sign_in_tokens.py::test_31_"),
        32: ("calls into the house by a registered address", "attacks/test_sign_in_sessions.py::test_32_"),
        33: ("a poisoned Host", "attacks/test_sign_in_tokens.py::test_33_"),
        34: ("a made-up address against limits", "attacks/test_sign_in_sessions.py::test_34_"),
        35: (
            "an identity header sent by the visitor",
            "attacks/test_identity_headers.py::test_what_a_visitor_says_of_themself_never_arrives",
        ),
        36: (
            "a protected path in another spelling",
            "attacks/test_forward_auth.py::test_a_protected_path_is_never_open_in_another_spelling",
        ),
        37: ("line ends in headers", "attacks/test_sign_in_requests.py::test_37_"),
        38: ("a page in a frame", "attacks/test_sign_in_requests.py::test_38_"),
        39: ("markup in what was sent", "attacks/test_sign_in_requests.py::test_39_"),
        40: ("answers that were not given on our page", "attacks/test_sign_in_sessions.py::test_40_"),
        41: ("signing out by a link", "attacks/test_sign_in_sessions.py::test_41_"),
        42: ("secrets and people in logs and metrics", "attacks/test_sign_in_sessions.py::test_42_"),
        43: ("a form sent on to somebody else", "attacks/test_sign_in_requests.py::test_43_"),
        44: ("guessing", "proxy/login/test_client_proofs.py::test_44_"),
        45: ("a ticket used twice, or at another address", "attacks/test_login_tickets.py::test_a_ticket_opens_once"),
        47: ("a lower level than asked", "attacks/test_sign_in_upstreams.py::test_47_"),
        48: ("a level in the request", "attacks/test_sign_in_requests.py::test_48_"),
        49: (
            "a stolen login ticket",
            "attacks/test_login_tickets.py::test_a_ticket_stolen_on_the_way_is_worth_nothing_in_another_browser",
        ),
        50: ("asking silently who somebody is", "attacks/test_sign_in_requests.py::test_50_"),
        51: ("an answer that nobody asked for", "attacks/test_sign_in_upstreams.py::test_51_"),
        52: ("accounts joined by name or address", "attacks/test_sign_in_upstreams.py::test_52_"),
        53: ("two clients that compare notes", "attacks/test_sign_in_requests.py::test_53_"),
        54: ("clocks that differ", "attacks/test_sign_in_requests.py::test_54_"),
        55: ("a store that dies on the way", "attacks/test_sign_in_sessions.py::test_55_"),
    }
)

WITHOUT: Final[Mapping[int, str]] = MappingProxyType({46: "there is no SAML adapter"})


def written_in(file: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: node for node in found if node.name.startswith("test_")}


def is_skipped(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(word in ast.unparse(mark) for mark in test.decorator_list for word in ("skip", "xfail"))


@pytest.mark.parametrize("number", ATTACKS)
def test_an_attack_has_a_test_that_is_run(number: int) -> None:
    file, _, name = ATTACKS[number][1].partition("::")
    found = [test for own, test in written_in(file).items() if own.startswith(name)]
    assert found
    assert not any(map(is_skipped, found))


def test_every_number_stands_once() -> None:
    assert sorted([*ATTACKS, *WITHOUT]) == list(range(1, 56))


@pytest.mark.parametrize("adapter", ["cas", "saml"])
def test_what_is_said_not_to_exist_does_not(adapter: str) -> None:
    assert not list((TESTS.parent / "sso/adapters").glob(f"*{adapter}*"))
