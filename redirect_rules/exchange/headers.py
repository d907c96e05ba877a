"""The names people give to columns, in Vietnamese and English, with and without diacritics."""

import unicodedata
from collections.abc import Mapping, Sequence

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "old_url": (
        *("old_url", "old", "old address", "old link", "from", "source", "source_url"),
        *("địa chỉ cũ", "url cũ", "đường dẫn cũ", "liên kết cũ", "link cũ", "nguồn"),
    ),
    "new_url": (
        *("new_url", "new", "new address", "new link", "to", "target", "target_url"),
        *("địa chỉ mới", "url mới", "đường dẫn mới", "liên kết mới", "link mới", "đích"),
    ),
    "action": ("action", "hành động", "cách xử lý", "xử lý"),
    "status": ("status", "status_code", "http status", "mã trạng thái"),
    "destination": ("destination", "trang đích", "điểm đến"),
    "code": ("code", "procedure", "procedure code", "mã thủ tục", "mã tthc", "mã"),
    "keyword": ("keyword", "từ khóa", "từ khoá"),
    "valid_from": ("valid_from", "hiệu lực từ", "từ ngày", "ngày bắt đầu"),
    "valid_until": ("valid_until", "hiệu lực đến", "đến ngày", "ngày kết thúc"),
    "note": ("note", "ghi chú"),
    "owner": ("owner", "đơn vị phụ trách", "người phụ trách", "phụ trách"),
    "tags": ("tags", "nhãn", "thẻ"),
    "legal_basis": ("legal_basis", "căn cứ pháp lý", "căn cứ"),
    "id": ("id", "rule id", "mã quy tắc"),
    "when": ("when", "điều kiện"),
    "query": ("query", "tham số"),
    "preserve_query_string": ("preserve_query_string",),
    "include_subdomains": ("include_subdomains",),
    "subpath_matching": ("subpath_matching",),
    "preserve_path_suffix": ("preserve_path_suffix",),
}  # fmt: skip
"""Column → the names it goes by; case, spaces, hyphens, underscores and diacritics are the same to us."""

UNREAD = frozenset({"stt", "tt", "no", "so tt", "so thu tu"})
"""Columns that only count lines."""


def folded(name: str) -> str:
    """A name as it is compared: "Địa chỉ CŨ" and "dia_chi_cu" are one."""
    bare = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    bare = bare.replace("đ", "d").replace("Đ", "D").lower()
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


_BY_NAME: Mapping[str, str] = {folded(alias): column for column, names in COLUMNS.items() for alias in names}


def column_of(name: str) -> str | None:
    """The column a header cell names; "" for one that is not read, None for one unknown."""
    name = folded(name)
    return "" if not name or name in UNREAD else _BY_NAME.get(name)


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a first line is a header: some cell names the old or the new address."""
    return any(column_of(cell) in {"old_url", "new_url"} for cell in cells)
