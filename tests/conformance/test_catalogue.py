"""The modules of the OpenID conformance suite, each with its test.

This mirrors the suite's list of modules, and is no certification: the suite itself has not been run.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

HERE: Final = Path(__file__).parent

# module of the suite → what a test's name begins with, where it is not that of the module
BASIC: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(
        (
            *("server", "server-client-secret-post", "idtoken-signature"),
            *("userinfo-get", "userinfo-post-header", "userinfo-post-body"),
            *("ensure-request-without-nonce-succeeds-for-code-flow", "ensure-post-request-succeeds"),
            *("alternate-happy-flow", "ensure-request-with-valid-pkce-succeeds", "ensure-other-scope-order-succeeds"),
            *("claims-essential", "prompt-login", "prompt-none-not-logged-in", "prompt-none-logged-in"),
            *("max-age-1", "max-age-10000", "id-token-hint", "login-hint", "ui-locales", "claims-locales"),
            *("ensure-request-with-acr-values-succeeds", "response-type-missing"),
            *("ensure-request-with-unknown-parameter-succeeds", "codereuse", "codereuse-30seconds"),
            *("ensure-registered-redirect-uri", "ensure-request-object-with-redirect-uri", "refresh-token"),
            "request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
            "unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
        ),
        "",
    )
    | {f"scope-{scope}": "scope" for scope in ("profile", "email", "address", "phone", "all")}
    | {f"display-{display}": "display" for display in ("page", "popup")}
)
LOGOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"rp-initiated-logout{module}": ""
        for module in (
            *("", "-discovery", "-bad-post-logout-redirect-uri", "-modified-id-token-hint", "-bad-id-token-hint"),
            *("-no-id-token-hint", "-no-params", "-no-post-logout-redirect-uri", "-no-state", "-only-state"),
            "-query-added-to-post-logout-redirect-uri",
        )
    }
)
PLANS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "test_config_op.py": {"discovery-endpoint-verification": ""},
        "test_basic_op.py": BASIC,
        "test_logout_rp_initiated.py": LOGOUT,
        "test_logout_back_channel.py": {
            "backchannel-discovery-endpoint-verification": "",
            "backchannel-rp-initiated-logout": "",
        },
        "test_logout_front_channel.py": {
            "frontchannel-discovery-endpoint-verification": "",
            "frontchannel-rp-initiated-logout": "",
        },
    }
)
FAPI: Final = (
    *("happy_flow", "par_only", "par_request_uri_is_good_once", "par_lives_for_a_minute", "codes_live_for_a_minute"),
    *("client_assertion", "client_assertion_by_rs256_is_refused", "client_assertion_is_good_once"),
    *("tokens_are_bound_to_a_key", "dpop_proof", "dpop_proof_is_good_once", "signed_request_object_at_par"),
)
RELYING_PARTY: Final = (
    *("invalid-iss", "missing-sub", "invalid-aud", "missing-iat", "kid-absent-multiple-jwks", "idtoken-sig-none"),
    *("invalid-sig-es256", "invalid-sig-rs256", "userinfo-invalid-sub", "nonce-invalid", "invalid-at-hash"),
    "kid-absent-single-jwks",
)


def names_of(file: str) -> list[str]:
    tree = ast.parse((HERE / file).read_text("utf-8"))
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    skipped = [node.name for node in tests if any("skip" in ast.unparse(mark) for mark in node.decorator_list)]
    assert not skipped
    return [node.name for node in tests if node.name.startswith("test_")]


@pytest.mark.parametrize(("file", "module"), [(file, module) for file, plan in PLANS.items() for module in plan])
def test_a_module_has_its_test(file: str, module: str) -> None:
    name = PLANS[file][module] or module
    assert f"test_oidcc_{name.replace('-', '_')}" in names_of(file)


@pytest.mark.parametrize("module", FAPI)
def test_the_profile_for_high_demands_has_its_tests(module: str) -> None:
    assert any(name.startswith(f"test_{module}") for name in names_of("test_fapi2_security_profile.py"))


@pytest.mark.parametrize("module", RELYING_PARTY)
def test_a_hostile_upstream_has_a_row_for_each_behaviour(module: str) -> None:
    assert f'"{module}": ' in (HERE / "test_relying_party.py").read_text("utf-8")


@pytest.mark.parametrize("module", ["discovery_issuer_mismatch", "signing_key_rotation", "backchannel_logout_token"])
def test_a_hostile_upstream_has_the_other_tests_too(module: str) -> None:
    assert f"test_{module}" in names_of("test_relying_party.py")
