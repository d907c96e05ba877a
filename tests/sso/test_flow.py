"""What comes next for a checked request: the whole table, and what must never happen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import flow, refusals
from sso.authorize import ReturnAddress
from sso.consents import given as agreement
from sso.effects import PostForm, Redirect
from sso.flow import AskConsent, Proceed, Refuse, SignIn, Step, StepUp
from sso.model import AuthorizationRequest, Client, Consent, Participation, Session
from sso.vocabulary import Claim, Level
from tests.sign_in_peers.issuer import CLIENTS
from tests.sso.specimens import NOW, REQUEST, SESSION

NEVER = CLIENTS["alpha"]
ONCE, ALWAYS = replace(NEVER, consent="once"), replace(NEVER, consent="always")
LOW = replace(SESSION, identity=replace(SESSION.identity, level=Level.ONE))
ASKED = replace(REQUEST, client="alpha", scopes=frozenset({"openid"}), claims=frozenset(), level=Level.ONE)
ACCOUNT = frozenset({Claim.ACCOUNT_TYPE})


def asked(*prompts: str, **changes: object) -> AuthorizationRequest:
    return replace(ASKED, prompts=frozenset(prompts), **changes)  # type: ignore[arg-type]  # a table's columns


# request, client, session → the next step
NEXT: list[tuple[str, AuthorizationRequest, Client, Session | None, Step]] = [
    ("nobody is signed in", asked(), NEVER, None, SignIn(Level.ONE, again=False)),
    ("somebody is", asked(), NEVER, SESSION, Proceed()),
    ("prompt=login", asked("login"), NEVER, SESSION, SignIn(Level.ONE, again=True)),
    ("prompt=select_account", asked("select_account"), NEVER, SESSION, SignIn(Level.ONE, again=True)),
    ("prompt=login, nobody", asked("login"), NEVER, None, SignIn(Level.ONE, again=True)),
    ("max_age that holds", asked(max_age=10), NEVER, SESSION, Proceed()),
    ("max_age that is over", asked(max_age=9), NEVER, SESSION, SignIn(Level.ONE, again=True)),
    ("max_age=0", asked(max_age=0), NEVER, SESSION, SignIn(Level.ONE, again=True)),
    ("the person that is meant", asked(subject_hint="me"), NEVER, SESSION, Proceed()),
    ("another person", asked(subject_hint="you"), NEVER, SESSION, SignIn(Level.ONE, again=True)),
    ("a level that is there", asked(level=Level.TWO), NEVER, SESSION, Proceed()),
    ("a level that is not", asked(level=Level.TWO), NEVER, LOW, StepUp(Level.TWO)),
    ("another upstream", asked(), replace(NEVER, upstreams=("other",)), SESSION, SignIn(Level.ONE, again=True)),
    ("consent always", asked(), ALWAYS, SESSION, AskConsent(ACCOUNT)),
    ("consent once, not yet", asked(), ONCE, SESSION, AskConsent(ACCOUNT)),
    ("prompt=consent", asked("consent"), NEVER, SESSION, AskConsent(ACCOUNT)),
    ("none, nobody", asked("none"), NEVER, None, Refuse(refusals.LOGIN_REQUIRED)),
    ("none, somebody", asked("none"), NEVER, SESSION, Proceed()),
    ("none, too old", asked("none", max_age=9), NEVER, SESSION, Refuse(refusals.LOGIN_REQUIRED)),
    ("none, another person", asked("none", subject_hint="you"), NEVER, SESSION, Refuse(refusals.LOGIN_REQUIRED)),
    ("none, too low", asked("none", level=Level.TWO), NEVER, LOW, Refuse(refusals.INTERACTION_REQUIRED)),
    ("none, consent", asked("none"), ALWAYS, SESSION, Refuse(refusals.CONSENT_REQUIRED)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "client", "session", "step"), [row[1:] for row in NEXT], ids=[row[0] for row in NEXT]
)
def test_the_next_step(request_: AuthorizationRequest, client: Client, session: Session | None, step: Step) -> None:
    assert flow.next_step(request_, client, session, subject="me", now=NOW) == step


AGREED = agreement(ONCE, ACCOUNT, None, now=NOW)

# what was agreed to for good, request, client → the next step
CONSENTS: list[tuple[str, Consent, AuthorizationRequest, Client, Step]] = [
    ("agreed to", AGREED, asked(), ONCE, Proceed()),
    ("to less", AGREED, asked(scopes=frozenset({"openid", "email"})), ONCE, AskConsent(ACCOUNT | {Claim.EMAIL})),
    ("long ago", replace(AGREED, until=NOW), asked(), ONCE, AskConsent(ACCOUNT)),
    ("for another reason", AGREED, asked(), replace(ONCE, legal_basis="Another law"), AskConsent(ACCOUNT)),
    ("with another client", replace(AGREED, client="beta"), asked(), ONCE, AskConsent(ACCOUNT)),
    ("and asked for all the same", AGREED, asked("consent"), ONCE, AskConsent(ACCOUNT)),
    ("where each time counts", AGREED, asked(), ALWAYS, AskConsent(ACCOUNT)),
    ("silently", AGREED, asked("none"), ONCE, Proceed()),
]


@pytest.mark.parametrize(
    ("agreed", "request_", "client", "step"), [row[1:] for row in CONSENTS], ids=[row[0] for row in CONSENTS]
)
def test_what_was_agreed_to_is_not_asked_again(
    agreed: Consent, request_: AuthorizationRequest, client: Client, step: Step
) -> None:
    consents = {agreed.client: agreed}
    assert flow.next_step(request_, client, SESSION, subject="me", now=NOW, consents=consents) == step


FRESH = replace(SESSION, identity=replace(SESSION.identity, auth_time=NOW))
OLD = replace(SESSION, identity=replace(SESSION.identity, auth_time=NOW - 600))

# request, session → what becomes of it when somebody has signed in for it
AFTER: list[tuple[str, AuthorizationRequest, Client, Session, Step]] = [
    ("signed in", asked(), NEVER, FRESH, Proceed()),
    ("prompt=login", asked("login"), NEVER, FRESH, Proceed()),
    ("prompt=login, from memory", asked("login"), NEVER, OLD, Refuse(refusals.LOGIN_REQUIRED)),
    ("max_age=0", asked(max_age=0), NEVER, FRESH, Proceed()),
    ("max_age, from memory", asked(max_age=60), NEVER, OLD, Refuse(refusals.LOGIN_REQUIRED)),
    ("no max_age, from memory", asked(), NEVER, OLD, Proceed()),
    ("another person", asked(subject_hint="you"), NEVER, FRESH, Refuse(refusals.OTHER_PERSON)),
    ("too low", asked(level=Level.TWO), NEVER, LOW, Refuse(refusals.UNMET)),
    ("another upstream", asked(), replace(NEVER, upstreams=("x",)), FRESH, Refuse(refusals.OTHER_PERSON)),
    ("consent", asked(), ALWAYS, FRESH, AskConsent(ACCOUNT)),
]


@pytest.mark.parametrize(
    ("request_", "client", "session", "step"), [row[1:] for row in AFTER], ids=[row[0] for row in AFTER]
)
def test_after_a_sign_in_nobody_is_sent_away_again(
    request_: AuthorizationRequest, client: Client, session: Session, step: Step
) -> None:
    assert flow.next_step(request_, client, session, subject="me", now=NOW, signed_in_since=NOW - 20) == step


def test_who_has_agreed_is_not_asked_again() -> None:
    assert flow.next_step(asked("consent"), ALWAYS, SESSION, subject="me", now=NOW, agreed=True) == Proceed()


@given(
    st.frozensets(st.sampled_from(["login", "consent", "select_account"])),
    st.none() | st.integers(0, 100),
    st.sampled_from(["never", "once", "always"]),
)
def test_what_a_sign_in_has_answered_is_not_asked_again(
    prompts: frozenset[str], max_age: int | None, consent: str
) -> None:
    request = flow.satisfied(asked(*prompts, max_age=max_age))
    client = replace(NEVER, consent=consent)  # type: ignore[arg-type]  # one of the three
    assert flow.next_step(request, client, FRESH, subject="me", now=NOW + 500, agreed=True) == Proceed()


@given(
    st.sampled_from([row[1] for row in NEXT]),
    st.sampled_from([NEVER, ONCE, ALWAYS]),
    st.sampled_from([None, SESSION, LOW]),
)
def test_prompt_none_never_shows_anything(
    request_: AuthorizationRequest, client: Client, session: Session | None
) -> None:
    silent = replace(request_, prompts=frozenset({"none"}))
    assert isinstance(flow.next_step(silent, client, session, subject="me", now=NOW), Proceed | Refuse)


@given(st.sampled_from([row[1] for row in NEXT + AFTER]), st.sampled_from([NEVER, ONCE, ALWAYS]), st.booleans())
def test_nobody_goes_on_below_the_level(request_: AuthorizationRequest, client: Client, after: bool) -> None:  # noqa: FBT001 - drawn
    since = NOW - 20 if after else None
    high = replace(request_, level=Level.TWO)
    step = flow.next_step(high, client, LOW, subject="me", now=NOW, signed_in_since=since, agreed=True)
    assert not isinstance(step, Proceed | AskConsent)


def test_each_client_has_a_part_and_a_sid_of_its_own() -> None:
    numbers = iter(range(100))
    own = flow.participation(NEVER, SESSION, now=NOW, secrets=lambda: f"sid-{next(numbers)}")
    other = flow.participation(CLIENTS["beta"], SESSION, now=NOW, secrets=lambda: f"sid-{next(numbers)}")
    assert own.sid != other.sid
    session = flow.joined(SESSION, own)
    assert session.participations["alpha"] == own
    assert session.participations["langson"] == SESSION.participations["langson"]
    assert flow.participation(NEVER, session, now=NOW + 9, secrets=lambda: "never") == own


def test_a_grant_says_what_was_asked_and_who_it_was() -> None:
    numbers = iter(range(100))
    granted = flow.grant(asked(), NEVER, SESSION, "sid", now=NOW, secrets=lambda: f"secret-{next(numbers)}")
    assert granted.code != granted.grant.id
    assert (granted.grant.client, granted.grant.session, granted.grant.sid) == ("alpha", SESSION.handle, "sid")
    assert granted.grant.identity == SESSION.identity
    assert granted.seconds == 30


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c&state=s&iss=https%3A%2F%2Fi.example"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=c&state=s&iss=https%3A%2F%2Fi.example"),
    ],
)
def test_the_answer_joins_the_query_of_the_address(uri: str, expected: str) -> None:
    address = ReturnAddress("alpha", uri, state="s")
    assert flow.code_answer(address, "c", issuer="https://i.example") == Redirect(expected)


def test_by_form_post_nothing_is_in_the_address() -> None:
    answer = flow.error_answer(ReturnAddress("alpha", "https://a.example/cb", "form_post"), refusals.DENIED, issuer="i")
    assert isinstance(answer, PostForm)
    assert answer.uri == "https://a.example/cb"
    assert dict(answer.fields) == {
        "error": "access_denied",
        "error_description": "The person did not agree. (DN-133)",
        "iss": "i",
    }


def test_a_participation_is_kept_as_it_was() -> None:
    assert Participation("alpha", "sid", NOW) == flow.participation(
        NEVER, flow.joined(SESSION, Participation("alpha", "sid", NOW)), now=NOW + 1, secrets=lambda: "never"
    )
