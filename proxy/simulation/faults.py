"""What a simulated provider can be told to do wrong, so that what people then see can be looked at.

Each fault changes one thing on one leg; the broker must refuse each, except where its text says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them."""

    text: str
    back: Callable[[Values], object] | None = None  # what the browser brings back
    header: Callable[[Values], object] | None = None  # of the ID token
    claims: Callable[[Values], object] | None = None  # in the ID token
    userinfo: Callable[[Values], object] | None = None
    tokens: Callable[[Values], object] | None = None  # the answer of the token endpoint
    signature: Callable[[str], str] | None = None
    status: int = 200  # of the token endpoint


def _set(**changes: Any) -> Callable[[Values], object]:
    return lambda values: values.update(changes)


def _without(name: str) -> Callable[[Values], object]:
    return lambda values: values.pop(name, None)


def _denied(back: Values) -> None:
    back.pop("code", None)
    back["error"] = "access_denied"


def _lower(told: Values) -> None:
    """Both providers' words for the level."""
    told |= {"accountLevel": "1", "loAs": "LoA1"}


FAULTS: Final = {
    "none": Fault("Không lỗi · none"),
    "denied": Fault("Người dùng từ chối · the person says no", back=_denied),
    "no-issuer": Fault("Thiếu iss · iss missing from the answer", back=_without("iss")),
    "other-issuer": Fault("iss của nơi khác · iss of another", back=_set(iss="https://evil.example")),
    "other-state": Fault("state khác · another state", back=_set(state="not-yours")),
    "token-issuer": Fault("ID token của nơi khác · iss in the token", claims=_set(iss="https://evil.example")),
    "audience": Fault("ID token cho hệ thống khác · aud of another", claims=_set(aud="somebody-else")),
    "subject": Fault("Thiếu sub · sub missing", claims=_without("sub"), userinfo=_without("TechID")),
    "nonce": Fault("nonce khác · another nonce", claims=_set(nonce="another")),
    "expired": Fault("Hết hạn · expired", claims=_set(exp=1)),
    "access-token-hash": Fault("at_hash sai · wrong at_hash", claims=_set(at_hash="AAAAAAAAAAAAAAAAAAAAAA")),
    "unsigned": Fault("alg none", header=_set(alg="none")),
    "signature": Fault("Chữ ký sai · wrong signature", signature=lambda token: token[:-8] + "AAAAAAAA"),
    "unknown-key": Fault("Khóa lạ · unknown key", header=_set(kid="never-heard-of")),
    "userinfo": Fault("userinfo của người khác · userinfo of another person", userinfo=_set(sub="another", TechID="")),
    "lower-level": Fault("Mức độ thấp hơn · a lower level", claims=_lower, userinfo=_lower),
    "broken": Fault("Nơi cấp tài khoản hỏng (500) · the provider is broken", status=500),
    "token-answer": Fault("Trả lời sai dạng · no token in the answer", tokens=lambda values: values.clear()),
}
