"""One view for every page of sign-in and every state it can be in, by name."""

from collections.abc import Mapping
from datetime import date

from proxy.sign_in_views import (
    Agreed,
    Allowed,
    ChooseSignIn,
    ConfirmSignOut,
    Consent,
    FormPost,
    FrontChannelSignOut,
    Rehearsal,
    SignedOut,
    SignInTrouble,
    SignInView,
    StepUp,
)
from sso.vocabulary import Claim

CLIENT = "Hệ thống thông tin giải quyết thủ tục hành chính tỉnh Khánh Hòa"
HIDDEN = (("page", "k7m2" * 12),)

VALUES: Mapping[Claim, str] = {
    Claim.NAME: "Nguyễn Thị Bình",
    Claim.BIRTHDATE: "1954-09-02",
    Claim.EMAIL: "nguyen.thi.binh.mot.dia.chi.rat.dai@thu-dien-tu.example.gov.vn",
    Claim.PHONE_NUMBER: "+84912345678",
    Claim.ADDRESS: "Thôn Bản Áng, xã Cao Lộc, tỉnh Lạng Sơn",
    Claim.CITIZEN_ID: "001154000001",
    Claim.OLD_ID_NUMBER: "082000001",
    Claim.PASSPORT_NUMBER: "C1234567",
    Claim.TAX_CODE: "0100000001",
    Claim.ENTERPRISE_CODE: "0100000001-001",
    Claim.ORGANISATION_NAME: "Công ty Trách nhiệm hữu hạn Ví Dụ",
    Claim.ACCOUNT_TYPE: "organisation",
}

REASONS = ("other",)


def trouble(reason: str, **changes: object) -> SignInTrouble:
    """A sign-in that stopped."""
    plain: dict[str, object] = {
        "code": "DN-204",
        "reason": reason,
        "status": 400,
        "client_name": CLIENT,
        "back": "https://dichvucong.khanhhoa.gov.vn/",
    }
    return SignInTrouble(**(plain | changes))  # type: ignore[arg-type]  # a test hand-picks its fields


SIGN_IN_SAMPLES: Mapping[str, SignInView] = {
    "sign-in-choose": ChooseSignIn(
        client_name=CLIENT,
        action="/choose",
        fields=HIDDEN,
        level=2,
        upstreams=(("vneid", "VNeID"), ("vnconnect", "Cổng Dịch vụ công quốc gia")),
    ),
    "sign-in-choose-one": ChooseSignIn(
        client_name="", action="/choose", fields=HIDDEN, level=1, upstreams=(("vneid", "VNeID"),)
    ),
    "sign-in-consent": Consent(
        client_name=CLIENT,
        legal_basis="Điều 6 Nghị định số 118/2025/NĐ-CP",
        claims=tuple(VALUES.items()),
        remembers=True,
        action="/consent",
        fields=HIDDEN,
    ),
    "sign-in-consent-person": Consent(
        client_name=CLIENT,
        legal_basis="",
        claims=((Claim.NAME, VALUES[Claim.NAME]), (Claim.ACCOUNT_TYPE, "citizen")),
        remembers=False,
        action="/consent",
        fields=HIDDEN,
    ),
    "sign-in-allowed": Allowed(
        consents=(
            Agreed(CLIENT, ("citizen_id", "name"), date(2026, 11, 22), date(2027, 11, 22), "m" * 120),
            Agreed("Hệ thống của tỉnh Lâm Đồng", tuple(VALUES), date(2026, 2, 3), date(2027, 2, 3), "n" * 120),
        ),
        systems=(CLIENT, "Hệ thống của tỉnh Lâm Đồng"),
        action="/allowed/withdraw",
    ),
    "sign-in-allowed-nothing": Allowed(consents=(), systems=(), action="/allowed/withdraw"),
    "sign-in-rehearsal": Rehearsal(
        client_name=CLIENT,
        level=2,
        told=(("name", "N•••"), ("citizen_id", "0•••"), ("account_type", "citizen")),
        lacking=("email",),
    ),
    "sign-in-step-up": StepUp(client_name=CLIENT, level=2, action="/step-up", fields=HIDDEN),
    "sign-in-confirm-sign-out": ConfirmSignOut(client_name="", action="/logout", fields=HIDDEN),
    "sign-in-signed-out": SignedOut(clients=(CLIENT, "Hệ thống của tỉnh Lâm Đồng"), back="https://x.example.gov.vn/"),
    "sign-in-signed-out-nowhere": SignedOut(),
    "sign-in-front-channel": FrontChannelSignOut(
        frames=("/_edge/nothing?sid=1", "/_edge/nothing?sid=2"),
        continue_to="https://x.example.gov.vn/",
    ),
    "sign-in-form-post": FormPost(
        client_name=CLIENT, action="/_edge/nothing", fields=(("code", "c" * 43), ("state", "s"))
    ),
    "sign-in-form-post-unnamed": FormPost(client_name="", action="/_edge/nothing", fields=()),
    **{f"sign-in-trouble-{reason}": trouble(reason) for reason in REASONS},
    "sign-in-trouble-soon": trouble("temporarily_unavailable", status=503, retry_after=30),
    "sign-in-trouble-later": trouble("upstream_down", status=503, retry_after=160, client_name="", back="/"),
    "sign-in-trouble-nowhere": trouble("invalid_request", client_name="", back=""),
}
