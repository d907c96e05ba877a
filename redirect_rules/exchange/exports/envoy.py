"""Rules → an Envoy route configuration (config.route.v3.RouteConfiguration) in JSON, which is YAML as well."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from redirect_rules.exchange.exports.rules import (
    Export,
    ExportedRule,
    Expression,
    Kind,
    LeftOut,
    TextFile,
    expression_of,
    ranked,
    sorted_out,
)

ROUTES = "edge-routes.json"
_CODES = {301: "MOVED_PERMANENTLY", 302: "FOUND", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT"}
_HOLE = re.compile(r"\{([a-z_]+)\}")


def export(rules: Iterable[ExportedRule]) -> Export:
    """Write the rules as one file; within a host the first route that matches answers."""
    fit, left_out = sorted_out(rules)
    exact = sorted((rule for rule in fit if rule.kind is Kind.EXACT), key=lambda rule: -len(rule.query))
    routes: dict[str, list[Any]] = defaultdict(list)
    for rule in (*exact, *ranked(rule for rule in fit if rule.kind is not Kind.EXACT)):
        if "{" in rule.target and ("?" in rule.target or "{" in urlsplit(rule.target).netloc):
            left_out.append(LeftOut(rule, "a capture can stand in the path of a target only"))
        else:
            routes[rule.host] += _routes(rule)
    hosts = [{"name": host, "domains": [host, f"{host}:*"], "routes": found} for host, found in routes.items()]
    text = json.dumps({"name": "dvc-edge", "virtual_hosts": hosts}, ensure_ascii=False, indent=1)
    return Export((TextFile(ROUTES, text + "\n"),), tuple(left_out))


def _routes(rule: ExportedRule) -> Iterator[dict[str, Any]]:
    if rule.kind is Kind.EXACT:
        for path in dict.fromkeys((rule.path, rule.path.rstrip("/") + "/")):
            yield {"match": _match(rule, {"path": path}), **_answer(rule, None)}
    else:
        expression = expression_of(rule)
        if isinstance(expression, Expression):
            case = "(?i)" if rule.fold_case else ""
            regex = {"safe_regex": {"regex": f"{case}{expression.text}/?"}}
            yield {"match": _match(rule, regex), **_answer(rule, expression)}


def _match(rule: ExportedRule, path: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {**path}
    if rule.fold_case and "path" in path:
        found["case_sensitive"] = False
    if rule.query:
        found["query_parameters"] = [{"name": name, "string_match": {"exact": value}} for name, value in rule.query]
    return found


def _answer(rule: ExportedRule, expression: Expression | None) -> dict[str, Any]:
    if rule.status not in _CODES:
        return {"direct_response": {"status": rule.status}}
    parts = urlsplit(rule.target)
    redirect: dict[str, Any] = {"scheme_redirect": "https", "host_redirect": parts.netloc}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if expression is not None and expression.groups:
        case = "(?i)" if rule.fold_case else ""
        numbers = {name: f"\\{i}" for i, name in enumerate(expression.groups, start=1)}
        redirect["regex_rewrite"] = {
            "pattern": {"regex": f"^{case}{expression.text}/?$"},
            "substitution": _HOLE.sub(lambda match: numbers[match[1]], path),
        }
    else:
        redirect["path_redirect"] = path
    redirect |= {"response_code": _CODES[rule.status], "strip_query": True}
    return {"redirect": redirect}
