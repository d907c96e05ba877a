"""Workbooks made by hand, part by part."""

import io
import zipfile
from collections.abc import Mapping

from redirect_rules.exchange.tabular import Record
from redirect_rules.exchange.workbooks import records

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = f"<worksheet {NAMESPACE}><sheetData>%s</sheetData></worksheet>"
PARTS: Mapping[str, str] = {
    "xl/workbook.xml": f'<workbook {NAMESPACE} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="hidden" sheetId="1" state="hidden" r:id="r1"/><sheet name="a" sheetId="2" r:id="r2"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="worksheets/no.xml"/><Relationship Id="r2" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": SHEET % '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>',
}


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def sheet(rows: str, **more: str | bytes) -> bytes:
    return packed(
        {**PARTS, "xl/worksheets/sheet1.xml": SHEET % rows, **{k.replace("__", "/"): v for k, v in more.items()}}
    )


def cells(data: bytes) -> list[tuple[int, list[str]] | tuple[int, str]]:
    return [
        (row.line, list(row.cells)) if isinstance(row, Record) else (row.line, row.say)
        for row in records("x.xlsx", data)
    ]
