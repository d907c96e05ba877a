"""Rules → Cloudflare's bulk redirect lists, in JSON for the API and in CSV for the dashboard.

A source of theirs has no query and no holes: such rules are left out, and said so.
"""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from redirect_rules.exchange.exports.rules import (
    REDIRECTS,
    Export,
    ExportedRule,
    Kind,
    LeftOut,
    TextFile,
    sorted_out,
)

LIST = "edge-redirects.json"
TABLE = "edge-redirects.csv"


def export(rules: Iterable[ExportedRule]) -> Export:
    """Write the rules as both files; they say the same."""
    fit, left_out = sorted_out(rules)
    items: list[dict[str, Any]] = []
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    for rule in fit:
        if why := _unsaid(rule):
            left_out.append(LeftOut(rule, why))
            continue
        source, below = f"https://{rule.host}{rule.path}", rule.kind is Kind.PREFIX
        items.append(
            {
                "redirect": {
                    "source_url": source,
                    "target_url": rule.target,
                    "status_code": rule.status,
                    "include_subdomains": False,
                    "subpath_matching": below,
                    "preserve_query_string": False,
                    "preserve_path_suffix": False,
                }
            }
        )
        writer.writerow([source, rule.target, rule.status, "FALSE", "FALSE", str(below).upper(), "FALSE"])
    text = json.dumps(items, ensure_ascii=False, indent=1)
    return Export((TextFile(LIST, text + "\n"), TextFile(TABLE, table.getvalue())), tuple(left_out))


def _unsaid(rule: ExportedRule) -> str:
    if rule.status not in REDIRECTS:
        return "a list redirects only; nothing in it is gone"
    if rule.query:
        return "a source address has no query"
    if rule.kind is Kind.TEMPLATE:
        return "a source address has no holes"
    return ""
