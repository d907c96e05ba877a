"""One view for every page and every state a page can be in, by name."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import get_args

from proxy.views import (
    Framed,
    Gone,
    LocalityResults,
    Locating,
    Notice,
    NotSent,
    PilotTold,
    Place,
    PortalFacts,
    Trouble,
    TroubleReason,
    View,
)
from tests.browser.sign_in_samples import SIGN_IN_SAMPLES

NATIONAL = "https://dichvucong.gov.vn"
CODE_SEARCH = (
    f"{NATIONAL}/tra-cuu-thu-tuc/danh-sach?keyword={{code}}"
    "&showAdvanced=false&formalityType=STANDARD&limit=10&activeKey=STANDARD"
)

PROVINCES = (
    ("01", "Thành phố Hà Nội"),
    ("04", "Tỉnh Cao Bằng"),
    ("08", "Tỉnh Tuyên Quang"),
    ("11", "Tỉnh Điện Biên"),
    ("12", "Tỉnh Lai Châu"),
    ("14", "Tỉnh Sơn La"),
    ("15", "Tỉnh Lào Cai"),
    ("19", "Tỉnh Thái Nguyên"),
    ("20", "Tỉnh Lạng Sơn"),
    ("22", "Tỉnh Quảng Ninh"),
    ("24", "Tỉnh Bắc Ninh"),
    ("25", "Tỉnh Phú Thọ"),
    ("31", "Thành phố Hải Phòng"),
    ("33", "Tỉnh Hưng Yên"),
    ("37", "Tỉnh Ninh Bình"),
    ("38", "Tỉnh Thanh Hóa"),
    ("40", "Tỉnh Nghệ An"),
    ("42", "Tỉnh Hà Tĩnh"),
    ("44", "Tỉnh Quảng Trị"),
    ("46", "Thành phố Huế"),
    ("48", "Thành phố Đà Nẵng"),
    ("51", "Tỉnh Quảng Ngãi"),
    ("52", "Tỉnh Gia Lai"),
    ("56", "Tỉnh Khánh Hòa"),
    ("66", "Tỉnh Đắk Lắk"),
    ("68", "Tỉnh Lâm Đồng"),
    ("75", "Tỉnh Đồng Nai"),
    ("79", "Thành phố Hồ Chí Minh"),
    ("80", "Tỉnh Tây Ninh"),
    ("82", "Tỉnh Đồng Tháp"),
    ("86", "Tỉnh Vĩnh Long"),
    ("91", "Tỉnh An Giang"),
    ("92", "Thành phố Cần Thơ"),
    ("96", "Tỉnh Cà Mau"),
)

LANG_SON = PortalFacts(
    id="lang-son",
    host="dichvucong.langson.gov.vn",
    kind="province",
    names={"vi": "Cổng Dịch vụ công tỉnh Lạng Sơn", "en": "The public service portal of Lạng Sơn province"},
    closed_on=date(2025, 7, 1),
    province_now="Tỉnh Lạng Sơn",
    hotline="18001096",
    province_then="Tỉnh Lạng Sơn",
)
HA_GIANG = replace(
    LANG_SON,
    id="ha-giang",
    host="dichvucong.hagiang.gov.vn",
    names={"vi": "Cổng Dịch vụ công tỉnh Hà Giang", "en": "The public service portal of Hà Giang province"},
    province_now="Tỉnh Tuyên Quang",
    province_then="Tỉnh Hà Giang",
)
MINISTRY = PortalFacts(
    id="mae",
    host="dichvucongnnmt.mae.gov.vn",
    kind="ministry",
    names={
        "vi": "Cổng Dịch vụ công Bộ Nông nghiệp và Môi trường",
        "en": "The public service portal of the Ministry of Agriculture and Environment",
    },
    closed_on=date(2026, 2, 1),
    province_now="",
    hotline="18001096",
)
OLD_NATIONAL = PortalFacts(
    id="national-2019",
    host="dichvucong.gov.vn",
    kind="national",
    names={"vi": "Cổng Dịch vụ công quốc gia (địa chỉ cũ)", "en": "The National Public Service Portal (old address)"},
    closed_on=None,
    province_now="",
    hotline="18001096",
)

BA_DINH = Place("new:00004", "Phường Ba Đình", "Thành phố Hà Nội", "Phường Trúc Bạch, Quận Ba Đình", "")


def places(here: str) -> tuple[Place, ...]:
    """Two candidates of a split ward, as links that open a page with the choice."""
    join = "&" if "?" in here else "?"
    was = "Phường Cống Vị, Quận Ba Đình"
    return (
        Place("new:00008", "Phường Ngọc Hà", "Thành phố Hà Nội", was, f"{here}{join}_place=new:00008"),
        Place("new:00025", "Phường Giảng Võ", "Thành phố Hà Nội", was, f"{here}{join}_place=new:00025"),
    )


def locating(**changes: object) -> Locating:
    """The choice of a locality on a page where nothing is chosen yet."""
    plain = Locating(None, (), PROVINCES, preset="20", carried=True, forget_link="/_edge/forget?_from=%2F")
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test hand-picks its fields


def language_links(here: str) -> tuple[tuple[str, str, str], ...]:
    """Both shipped languages."""
    join = "&" if "?" in here else "?"
    return (("vi", "Tiếng Việt", f"{here}{join}_lang=vi"), ("en", "English", f"{here}{join}_lang=en"))


def notice(name: str, **changes: object) -> Notice:
    """A notice that lives at /<name> of the gallery."""
    here = f"/{name}"
    plain = Notice(
        portal=LANG_SON,
        destination="home",
        target=f"{NATIONAL}/",
        mapped=True,
        seconds=30,
        here=here,
        here_query=(),
        stay_link=f"{here}?_stay=1",
        language_links=language_links(here),
        dossier_code="",
        procedure_code="",
        locating=locating(),
        fragment_targets={"procedure": CODE_SEARCH, "dossier-lookup": f"{NATIONAL}/tra-cuu-ho-so"},
        dossier_lookup=f"{NATIONAL}/tra-cuu-ho-so",
        choices="/_edge/notice/",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # as above


PROCEDURE = {"destination": "procedure", "procedure_code": "1.001193", "target": CODE_SEARCH.format(code="1.001193")}

NOTICES: Mapping[str, Notice] = {
    "notice": notice("notice"),
    "notice-procedure": notice("notice-procedure", **PROCEDURE),
    "notice-named": notice(
        "notice-named",
        destination="procedure",
        procedure_code="2.000806",
        procedure_name="Đăng ký kết hôn có yếu tố nước ngoài",
        target=f"{NATIONAL}/thu-tuc-hanh-chinh/019d2bfd-8e13-728a-a0cd-635811d8432e",
    ),
    "notice-merged": notice("notice-merged", portal=HA_GIANG, **PROCEDURE),
    "notice-unmapped": notice("notice-unmapped", mapped=False),
    "notice-stayed": notice("notice-stayed", seconds=None),
    "notice-dossier": notice(
        "notice-dossier",
        destination="dossier-lookup",
        target=f"{NATIONAL}/tra-cuu-ho-so",
        dossier_code="000.00.53.H48-220921-0099",
    ),
    "notice-ask": notice(
        "notice-ask", seconds=None, **PROCEDURE, locating=locating(candidates=places("/notice-ask"), preset="01")
    ),
    "notice-chosen": notice(
        "notice-chosen",
        destination="procedure",
        procedure_code="1.001193",
        target=f"{NATIONAL}/tim-kiem-thu-tuc-hanh-chinh?formalityId=019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"
        "&searchType=PROVINCE&commune=WARD&provinceCode=01&wardCode=00004",
        locating=locating(chosen=BA_DINH, preset="01"),
    ),
    "notice-not-carried": notice("notice-not-carried", locating=locating(chosen=BA_DINH, preset="01", carried=False)),
    "notice-ministry": notice(
        "notice-ministry",
        portal=MINISTRY,
        destination="procedure-search",
        target=f"{NATIONAL}/tim-kiem-thu-tuc-hanh-chinh?keyword=%C4%91%C4%83ng%20k%C3%BD%20khai%20sinh",
        locating=locating(preset=""),
        dossier_lookup="",
    ),
    "notice-national": notice(
        "notice-national",
        portal=OLD_NATIONAL,
        destination="never-heard-of",
        language_links=(),
        locating=locating(preset=""),
    ),
    "notice-long": notice(
        "notice-long",
        destination="archive",
        target="https://vpcp.dichvucong.gov.vn/p/home/" + "dvc-chi-tiet-" * 40 + ".html",
    ),
}

RESULTS = LocalityResults(
    portal=LANG_SON,
    query="Cống Vị",
    matches=places("/notice"),
    more=3,
    here="/notice",
    language_links=language_links("/results"),
    locating=locating(preset="01"),
)

NOT_SENT = NotSent(
    portal=LANG_SON,
    fields=(
        ("hoTen", "Nguyễn Thị Bình"),
        ("noiDung", "Kính gửi Ủy ban nhân dân,\nTôi xin đăng ký khai sinh cho cháu.\n\nXin cảm ơn."),
        ("ghiChu", ""),
        ("txtDiaChiThuongTruDayDu", "Thôn " + "Bản Áng " * 20),
    ),
    files=("giay-chung-sinh.pdf", "so-ho-khau.jpg"),
    cut=True,
    unreadable=False,
    target=f"{NATIONAL}/",
    destination="home",
)

GONE = Gone(
    portal=LANG_SON,
    target=f"{NATIONAL}/",
    destination="home",
    dossier_lookup=f"{NATIONAL}/tra-cuu-ho-so",
    language_links=language_links("/gone"),
)


def trouble(reason: str, status: int, **changes: object) -> Trouble:
    """A request that could not be served."""
    plain = Trouble(status, reason, "K7QF-2M9D", LANG_SON, f"{NATIONAL}/")  # type: ignore[arg-type]  # from get_args
    return replace(plain, **changes)  # type: ignore[arg-type]  # as above


STATUSES = {
    "bad-request": 400,
    "uri-too-long": 414,
    "headers-too-large": 431,
    "body-too-large": 413,
    "request-slow": 408,
    "too-many-connections": 429,
    "overloaded": 503,
    "method": 405,
    "version": 505,
    "wrong-host": 421,
    "no-upstream": 503,
    "upstream-down": 502,
    "upstream-failed": 502,
    "upstream-busy": 503,
    "upstream-late": 504,
    "not-found": 404,
    "internal": 500,
    "sign-in-needed": 401,
    "sign-in-not-sent": 401,
    "sign-in-cookies": 400,
    "sign-in-expired": 400,
    "sign-in-locked": 429,
    "sign-in-down": 503,
}
REASONS: tuple[str, ...] = get_args(TroubleReason)

SAMPLES: Mapping[str, View] = {
    **NOTICES,
    "results": RESULTS,
    "results-none": replace(RESULTS, query="Xyz", matches=(), more=0),
    "results-empty": replace(RESULTS, query="", matches=(), more=0),
    "not-sent": NOT_SENT,
    "not-sent-unreadable": replace(NOT_SENT, fields=(), files=(), cut=False, unreadable=True),
    "not-sent-empty": replace(NOT_SENT, fields=(), files=(), cut=False),
    "gone": GONE,
    "gone-undated": replace(GONE, portal=replace(LANG_SON, closed_on=None)),
    "gone-national": replace(GONE, portal=OLD_NATIONAL),
    "pilot-joined": PilotTold(
        replace(LANG_SON, closing=True), joined=True, front_link="/", leave_link="/_edge/pilot/leave"
    ),
    "pilot-left": PilotTold(
        replace(LANG_SON, closing=True), joined=False, front_link="/", leave_link="/_edge/pilot/leave"
    ),
    "gone-closing": replace(GONE, portal=replace(LANG_SON, closing=True)),
    "framed": Framed(LANG_SON, f"{NATIONAL}/", "home"),
    **{f"trouble-{reason}": trouble(reason, STATUSES[reason]) for reason in REASONS},
    "trouble-wrong-host": trouble("wrong-host", 421, portal=None),
    "trouble-no-upstream": trouble("no-upstream", 503, retry_after_seconds=300),
    "trouble-sign-in": trouble(
        "sign-in-not-sent", 401, sign_in_link="/_edge/sign-in/begin?to=/nop-ho-so?MaTTHC=1.001193&b=2"
    ),
    "trouble-soon": trouble("no-upstream", 503, retry_after_seconds=30),
    **SIGN_IN_SAMPLES,
}
