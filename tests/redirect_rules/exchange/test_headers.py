"""A column goes by many names."""

import pytest

from redirect_rules.exchange.headers import column_of, names_columns

# header cell              column
NAMES = [
    ("old_url", "old_url"),
    ("Old URL", "old_url"),
    ("  OLD-URL ", "old_url"),
    ("\ufeffold_url", "old_url"),
    ("Địa chỉ cũ", "old_url"),
    ("DIA CHI CU", "old_url"),
    ("dia_chi_cu", "old_url"),
    ("Đi\u0323a chi\u0309 cu\u0303", "old_url"),
    ("Đường dẫn mới", "new_url"),
    ("Căn cứ pháp lý", "legal_basis"),
    ("Từ khoá", "keyword"),
    ("STT", ""),
    ("", ""),
    ("Giá", None),
]


@pytest.mark.parametrize(("cell", "column"), NAMES)
def test_a_name_means_a_column(cell: str, column: str | None) -> None:
    assert column_of(cell) == column


@pytest.mark.parametrize(
    ("cells", "header"),
    [(["old_url"], True), (["STT", "Link cũ"], True), (["note", "tags"], False), (["https://a.vn/", "b"], False)],
)
def test_a_header_names_an_address(cells: list[str], header: bool) -> None:  # noqa: FBT001 - a column of the table
    assert names_columns(cells) is header
