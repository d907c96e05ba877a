"""Values as JSON, and what damage is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso.model import (
    AuthorizationRequest,
    Binding,
    Grant,
    LoginAttempt,
    LogoutDelivery,
    Session,
    TokenTerms,
)
from sso.store import Ticket
from sso.stores import encoding
from sso.stores.encoding import Damaged, Form
from sso.vocabulary import Level
from tests.sso.specimens import SESSION

FORMS: list[tuple[type[Any], Form[Any]]] = [
    (AuthorizationRequest, encoding.REQUEST),
    (LoginAttempt, encoding.ATTEMPT),
    (Grant, encoding.GRANT),
    (TokenTerms, encoding.TERMS),
    (Ticket, encoding.TICKET),
    (Binding, encoding.BINDING),
    (LogoutDelivery, encoding.DELIVERY),
]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_value_comes_back_as_it_was(data: st.DataObject) -> None:
    for kind, form in FORMS:
        value = data.draw(st.from_type(kind))
        assert form.value(form.text(value)) == value


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.from_type(Session))
def test_a_session_comes_back_from_its_fields(drawn: Session) -> None:
    session = replace(drawn, seen_at=abs(drawn.seen_at), participations={})
    assert encoding.session_of(encoding.session_fields(session)) == session


def test_a_level_comes_back_as_a_level() -> None:
    found = encoding.session_of(encoding.session_fields(SESSION))
    assert found == SESSION
    assert found.identity.level is Level.TWO


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_what_is_no_value_is_damage_and_never_another_error(text: str) -> None:
    for _, form in FORMS:
        with pytest.raises(Damaged) as caught:
            form.value(text)
        assert str(caught.value) == form.name  # the kind, and nothing that was stored


@pytest.mark.parametrize(
    "fields", [{}, {"v": "{}"}, {"v": "{}", "s": "x"}, {"s": "1"}, {"v": "{}", "s": "1"}, {"v": "", "s": "1"}], ids=str
)
def test_a_session_without_its_parts_is_damage(fields: dict[str, str]) -> None:
    with pytest.raises(Damaged):
        encoding.session_of(fields)
