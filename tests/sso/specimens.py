"""Values of sign-in to begin a test with; `dataclasses.replace` makes others of them."""

from sso.model import (
    AccessToken,
    AuthorizationRequest,
    Binding,
    Destination,
    Grant,
    Identity,
    LoginAttempt,
    LogoutDelivery,
    Participation,
    Session,
    digest,
)
from sso.store import Ticket
from sso.vocabulary import AccountType, Claim, Level

NOW = 1_795_000_000

IDENTITY = Identity(
    upstream="vneid",
    subject="acc-7f3a",
    account=AccountType.CITIZEN,
    level=Level.TWO,
    claims={
        Claim.NAME: "Nguyễn Văn An",
        Claim.BIRTHDATE: "1954-09-02",
        Claim.CITIZEN_ID: "001054000123",
        Claim.ADDRESS: "12 Tràng Tiền, Hà Nội",
        Claim.EMAIL: "an@example.vn",
    },
    auth_time=NOW - 10,
    amr=("pwd", "otp"),
)
REQUEST = AuthorizationRequest(
    client="langson",
    redirect_uri="https://dichvucong.langson.example/cb",
    scopes=frozenset({"openid", "profile"}),
    code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    state="st",
    nonce="n-0S6",
    claims=frozenset({Claim.EMAIL}),
)
DESTINATION = Destination("langson", "langson", "dichvucong.langson.gov.vn", "/vi/nop-ho-so?MaTTHC=1.001193", Level.TWO)
ATTEMPT = LoginAttempt(
    state=digest("state"),
    browser=digest("browser"),
    upstream="vneid",
    nonce="nonce",
    code_verifier="verifier",
    purpose=REQUEST,
    level=Level.TWO,
    created_at=NOW,
)
SESSION = Session(
    id=digest("cookie"),
    handle="handle-1",
    identity=IDENTITY,
    created_at=NOW,
    seen_at=NOW,
    absolute_end=NOW + 12 * 3600,
    participations={"langson": Participation("langson", "sid-langson", NOW)},
    upstream_sid="up-1",
)
GRANT = Grant(
    id="grant-1",
    client="langson",
    session="handle-1",
    sid="sid-langson",
    identity=IDENTITY,
    scopes=REQUEST.scopes | {"offline_access"},
    claims=frozenset({Claim.NAME}),
    id_token_claims=frozenset(),
    nonce="n-0S6",
    redirect_uri=REQUEST.redirect_uri,
    code_challenge=REQUEST.code_challenge,
    created_at=NOW,
)
TOKEN = AccessToken("grant-1", "langson", GRANT.scopes, GRANT.claims, IDENTITY, NOW, NOW + 300)
TICKET = Ticket("langson", "handle-1", "sid-langson", digest("browser"), DESTINATION)
BINDING = Binding("langson", "langson", "dichvucong.langson.gov.vn", "handle-1", "sid-langson", NOW)
DELIVERY = LogoutDelivery("d-1", "langson", "https://langson.example/out", "sid-langson", "sub", NOW, next_at=NOW)
