"""What is the same for every upstream of one sort: the tables that a configuration file begins from.

These are tables like those of the files in conf/upstreams/, and a file may overrule each value.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_OIDC: Final[dict[str, Any]] = {
    "client_authentication": "client_secret_basic",
    "discovery": True,
    "scopes": ["openid"],
    "pkce": True,
    "nonce": True,
    "id_token": "required",
    "userinfo": "get",
    "userinfo_signed": False,
    "algorithms": ["ES256", "RS256", "PS256"],
    "names_issuer": False,
    "ask_level": {},
    "subject": "sub",
    "claims": {
        "name": "name",
        "birthdate": {"from": "birthdate", "form": "date"},
        "email": {"from": "email", "form": "email"},
        "phone_number": {"from": "phone_number", "form": "phone"},
    },
    "account": {"claim": "", "values": {}},
    "level": {"claim": "acr", "values": {}},
}

_VNEID: Final[dict[str, Any]] = {
    **_OIDC,
    "claims": {
        "name": "fullName",
        "birthdate": {"from": "birthDate", "form": "date"},
        "citizen_id": {"from": "citizenPid", "form": "citizen-id"},
    },
    "account": {"claim": "accountType", "values": {"1": "citizen", "2": "organisation"}},
    "level": {"claim": "accountLevel", "values": {"1": 1, "2": 2}},
}

_VNCONNECT: Final[dict[str, Any]] = {
    **_OIDC,
    # As integrations use it.  Without PKCE and nonce only `state`, bound to the browser, stands against a planted
    # answer, and only the userinfo answer, fetched over TLS, tells who it is.
    "client_authentication": "client_secret_post",
    "discovery": False,
    "endpoints": {
        "authorization": "{issuer}/oauth2/authorize",
        "token": "{issuer}/oauth2/token",
        "userinfo": "{issuer}/oauth2/userinfo",
    },
    "pkce": False,
    "nonce": False,
    "id_token": "none",
    "ask_level": {"1": "LoA1", "2": "LoA1"},
    "subject": "TechID",
    # userProfileUri and logoutUri are named nowhere, and so are dropped: they carry bearer tokens.
    "claims": {
        "name": "HoVaTen",
        "birthdate": {"from": "NgayThangNamSinh", "form": "date"},
        "email": {"from": "ThuDienTu", "form": "email"},
        "citizen_id": {"from": "SoDinhDanh", "form": "citizen-id"},
        "old_id_number": {"from": "SoCMND", "form": "old-id"},
        "passport_number": {"from": "HoChieu", "form": "code"},
        "tax_code": {"from": "MaSoThue", "form": "code"},
        "enterprise_code": {"from": "MaSoDoanhNghiep", "form": "code"},
    },
    "account": {"claim": "LoaiTaiKhoan", "values": {"1": "citizen", "2": "organisation"}},
    "level": {"claim": "loAs", "values": {"LoA1": 1, "LoA2": 2, "1": 1, "2": 2}, "untold": 1},
}

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"oidc": _OIDC, "vneid": _VNEID, "vnconnect": _VNCONNECT}
)
