"""Everything that an operator can choose: each key has a default, and the shipped file says them all."""

import pytest
from pydantic import ValidationError

from proxy import config_file
from proxy.config import Listen, Settings
from redirect_rules.sources import Document
from tests.proxy.test_config_file import EXAMPLE, complaints, parsed


def test_the_shipped_file_names_every_key_with_its_default() -> None:
    shipped = config_file.load(EXAMPLE, {})
    assert shipped.model_dump() == Settings().model_dump()
    named = set(Document("edge.toml", EXAMPLE.read_text("utf-8")).data)
    assert named == set(Settings.model_fields) - {"folder"}


def test_nothing_at_all_is_a_configuration() -> None:
    assert parsed("").listen.port == 8080


def test_nobody_changes_what_was_chosen() -> None:
    with pytest.raises(ValidationError):
        Settings().listen.port = 1  # type: ignore[misc]  # that it is frozen is what is tried


# [listen.tls]                                              where https is listened for
SECURE = [
    ("",                                                    None),
    ("port = 9443",                                         None),  # there is nothing to show
    ("certificates = [{ certificate_file = 'a' }]",         ("127.0.0.1", 8443)),
    ("host = '::'\ncertificates = [{ certificate_file = 'a' }]", ("::", 8443)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place"), SECURE)
def test_https_is_listened_for_where_there_are_certificates(text: str, place: tuple[str, int] | None) -> None:
    assert parsed(f"[listen.tls]\n{text}").listen.secure_place == place
    assert Listen().secure_place is None


# what does not fit together                      and what is said of it
TOGETHER = [
    ("[limits]\nheader = 40000",                  "header_total: 32768 is less than one header may have (40000)"),
    ("[limits]\nshared_addresses = ['office']",   "write 203.0.113.0/24"),
    ("[listen]\nproxy_protocol = true",           "passing.trusted_peers"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), TOGETHER)
def test_what_does_not_fit_together_is_refused(text: str, said: str) -> None:
    (complaint,) = complaints(text)
    assert said in complaint
