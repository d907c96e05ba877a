"""Who we are to clients, and how often anybody may ask."""

import tomllib

import pytest

from proxy.sign_in_settings import SignInLimits
from sso import limits
from tests.proxy.test_config_file import complaints, parsed

# [sso] → what there is to mend; "" where nothing
ISSUERS = {
    'issuer = ""': "",
    'issuer = "https://signin.example.vn"': "",
    'issuer = "https://signin.example.vn:8443"': "",
    'issuer = "http://signin.localhost:8080"\nenvironment = "development"': "",
    'issuer = "http://signin.localhost:8080"': "must be https",
    'issuer = "http://signin.example.vn"\nenvironment = "development"': "must be https",
    'issuer = "https://signin.example.vn"\nenvironment = "development"': "for issuers on",
    'issuer = "https://signin.example.vn/"': "without a path",
    'issuer = "https://signin.example.vn/sso"': "without a path",
    'issuer = "https://Signin.example.vn"': "small letters",
    'issuer = "https://me@signin.example.vn"': "without a path",
    'issuer = "signin.example.vn"': "without a path",
    'issuer = "https://signin.example.vn:x"': "is no address",
    'private_networks = ["10.20.0.0"]': "",
    'private_networks = ["intern"]': "is no network",
    "simulator = 8090": "only with environment",
    'simulator = 8090\nenvironment = "development"': "",
}


@pytest.mark.parametrize("text", ISSUERS)
def test_an_issuer_is_an_origin_that_browsers_keep_cookies_for(text: str) -> None:
    if expected := ISSUERS[text]:
        (complaint,) = complaints(f"[sso]\n{text}")
        assert expected in complaint
    else:
        assert parsed(f"[sso]\n{text}").sso.issuer == (tomllib.loads(text).get("issuer") or "")


def test_every_limit_has_the_name_by_which_sign_in_calls_it() -> None:
    chosen = SignInLimits()
    assert set(chosen.rates) == set(limits.RATES)
    assert set(chosen.failures) == set(limits.LIMITS)
