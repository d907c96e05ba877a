"""The officers' pages and the broker: what could not work is refused, and a secret stays one."""

import pytest

from tests.proxy.test_config_file import complaints, parsed

# The console as a client of the broker: text, complaint
BY_BROKER = '[console]\nsecret_file = "s"\n'
CONSOLES = [
    (BY_BROKER, "public: the broker sends officers back to this address"),
    (BY_BROKER + 'public = "https://console.example.vn"', "there is none: name sso.issuer"),
    (BY_BROKER + 'secret = "s"\npublic = "https://console.example.vn"', "secret_file says it already"),
    (
        '[console]\nsecret = "s"\npublic = "https://console.example.vn"\n[sso]\nissuer = "https://signin.example.vn"',
        "a secret is not written down here",
    ),
    ('[console]\npublic = "http://console.example.vn"', "must be https"),
    ('[console]\npublic = "https://console.example.vn/"', "without a path"),
    ('[console]\npublic = "https://Console.example.vn"', "small letters"),
    ('[console]\npublic = "https://console.example.vn:x"', "is no address"),
]


@pytest.mark.parametrize(("text", "complaint"), CONSOLES)
def test_a_console_that_the_broker_could_not_know_is_refused(text: str, complaint: str) -> None:
    (found,) = complaints(text)
    assert complaint in found


def test_a_secret_of_the_console_stands_in_no_description() -> None:
    sso = '[sso]\nissuer = "http://signin.localhost"\nenvironment = "development"\n'
    settings = parsed(sso + '[console]\nsecret = "demonstration"\npublic = "http://console.localhost:8083"')
    assert settings.console.by_broker
    assert "demonstration" not in repr(settings)


def test_officers_sign_in_by_the_broker_where_one_secret_is_named() -> None:
    sso, public = '[sso]\nissuer = "https://signin.example.vn"\n', 'public = "https://console.example.vn"\n'
    assert not parsed("").console.by_broker
    for way in ("secret_file", "secret_variable", "signing_key_file"):
        assert parsed(f'{sso}[console]\n{public}{way} = "x"').console.by_broker
