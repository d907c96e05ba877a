"""A file → rows and problems, whatever its format.  One pass, one line in memory."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from redirect_rules.exchange import apache, cloudflare, haproxy, nginx, tabular, workbooks
from redirect_rules.exchange.checking import Checker
from redirect_rules.exchange.decoding import blocks, encoding_of, lines, peek
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem, Refused, Wish
from redirect_rules.model import Action

LARGEST_WORKBOOK = 128 * 1024 * 1024
"""Bytes: a workbook is held in memory, unlike everything else."""


class Format(StrEnum):
    """What a file is written in."""

    CSV = "csv"  # commas, semicolons, tabs or bars
    XLSX = "xlsx"
    NGINX = "nginx"
    APACHE = "apache"
    REWRITEMAP = "rewritemap"  # Apache's txt tables
    HAPROXY = "haproxy"
    CLOUDFLARE = "cloudflare"  # JSON; or its CSV without a header
    CLOUDFLARE_CSV = "cloudflare-csv"


_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_CLOUDFLARE_COLUMNS = (
    *("old_url", "new_url", "status"),
    *("preserve_query_string", "include_subdomains", "subpath_matching", "preserve_path_suffix"),
)
_EXTENSIONS: Mapping[str, Format] = {
    "csv": Format.CSV,
    "tsv": Format.CSV,
    "map": Format.HAPROXY,
    "htaccess": Format.APACHE,
}
_APACHE = re.compile(
    r"\s*(?:(?:Redirect(?:Match|Permanent|Temp)?|RewriteRule|RewriteEngine|RewriteCond|RewriteMap|ServerName)\s|<\w+.*>\s*$)",
    re.IGNORECASE,
)
_NGINX = re.compile(
    r"\s*(?:(?:map|server|location|http|rewrite|return|if)\b.*[;{}]\s*(?:#.*)?$|(?:[^;\s]+\s+[^;]+|~.*);\s*$)"
)
_MAP = re.compile(r"\s*(?:/|https?://|[\w-]+(?:\.[\w-]+)+(?:/|\s))[^,;\t\"]*\s+\S+\s*$")


def read_rules(
    data: bytes | Iterable[bytes],
    *,
    name: str,
    context: Context,
    portal: str | None = None,
    file_format: str | None = None,
    action: Action = Action.NOTICE,
) -> Iterator[ImportedRow | ImportProblem]:
    """The rows of a file, in its order, each line a row or a problem; never raises for what stands in the file.

    portal  to whom paths without a host belong; lines of other portals are then problems
    file_format  one of Format; None: told from the content, then the name
    action  what a line does that does not say: `notice` follows the portal's schedule
    """
    try:
        checker = Checker(name, context, portal, action)
        for wish in wishes(data, name=name, file_format=file_format):
            if isinstance(wish, ImportProblem):
                yield wish
            else:
                yield from checker.rows(wish)
    except Refused as error:
        yield ImportProblem(name, 0, str(error))


def wishes(
    data: bytes | Iterable[bytes], *, name: str, file_format: str | None = None
) -> Iterator[Wish | ImportProblem]:
    """What the lines ask for, before anything is checked.  Raises Refused for a format that is none of ours."""
    head, pieces = peek(blocks(data))
    match _chosen(file_format) or format_of(head, name):
        case Format.XLSX:
            return tabular.wishes(name, workbooks.records(name, _whole(pieces)))
        case Format.NGINX:
            return nginx.wishes(name, lines(pieces))
        case Format.APACHE:
            return apache.wishes(name, lines(pieces))
        case Format.HAPROXY | Format.REWRITEMAP:
            return haproxy.wishes(name, lines(pieces))
        case Format.CLOUDFLARE:
            return cloudflare.wishes(name, lines(pieces))
        case Format.CLOUDFLARE_CSV:
            return tabular.wishes(name, tabular.records(name, lines(pieces), ","), columns=_CLOUDFLARE_COLUMNS)
        case Format.CSV:
            return tabular.wishes(name, tabular.records(name, lines(pieces)))


def _chosen(file_format: str | None) -> Format | None:
    try:
        return Format(file_format) if file_format else None
    except ValueError:
        raise Refused(f"{file_format!r} is no format: choose one of {', '.join(Format)}") from None


def format_of(head: bytes, name: str) -> Format:
    """What a file is, from its first bytes and its name.  Raises Refused for old Excel files."""
    if head.startswith(_ZIP):
        return Format.XLSX
    if head.startswith(_OLD_EXCEL):
        raise Refused("an .xls workbook of old: save it as .xlsx or as CSV in UTF-8")
    encoding, mark = encoding_of(head)
    sample = head[mark:].decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    said = [line for line in sample.split("\n") if line.strip() and not line.lstrip().startswith("#")][:50]
    extension = name.rpartition(".")[2].lower()
    if sample.lstrip()[:1] in {"[", "{"}:
        return Format.CLOUDFLARE
    if not said:
        return _EXTENSIONS.get(extension, Format.CSV)
    if extension in _EXTENSIONS and not (extension == "map" and _speaks(said, _NGINX)):
        return _EXTENSIONS[extension]
    if _speaks(said, _APACHE):
        return Format.APACHE
    if _speaks(said, _NGINX):
        return Format.NGINX
    return Format.HAPROXY if _MAP.match(said[0]) else Format.CSV


def _speaks(said: Sequence[str], form: re.Pattern[str]) -> bool:
    return any(form.match(line) for line in said)


def _whole(pieces: Iterable[bytes]) -> bytes:
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > LARGEST_WORKBOOK:
            raise Refused(f"the workbook is larger than {LARGEST_WORKBOOK // 2**20} MB: save the sheet as CSV in UTF-8")
    return b"".join(held)
