"""Rules → nginx: `map` blocks for the http block, and a snippet for each server block.

nginx compares the words of a map without case, parameter values too, and folds a to z only; this stands in
docs/exchange.md.  Exact addresses cost one hash look-up; templates are tried one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from redirect_rules.exchange.exports.rules import (
    STATUSES,
    Export,
    ExportedRule,
    Expression,
    Kind,
    LeftOut,
    TextFile,
    decoded,
    expression_of,
    ranked,
    sorted_out,
)

MAPS = "edge-maps.conf"
SERVER = "edge-server.conf"

_GONE = 410
_INDEX = r"/+(?:index\.(?:html?|xhtml|php|jsp|aspx?|do)|default\.(?:aspx?|html?))"
_PATH = rf"""# The path as the rules know it: no session, no index file, no final slash.
map $uri $edge_path {{
    default $uri;
    "~*^(?<edge_bare>.*?)(?:;jsessionid=[^;/]*)?(?:{_INDEX})*/*$" $edge_bare;
}}
geo $edge_dollar {{ default "$"; }}
"""
_SERVER = """\
# Include this in every server block of the old addresses; what is not listed goes on below it.
"""

Names = tuple[str, ...]


def export(rules: Iterable[ExportedRule]) -> Export:
    """Write the rules.  Two files: MAPS belongs into the http block, SERVER into each server block."""
    fit, left_out = sorted_out(rules)
    entries, doubles = _entries(fit)
    names = sorted({name for shape in entries for name in shape})
    patterns = ranked(rule for rule in fit if rule.kind is not Kind.EXACT)
    text = "".join(
        [
            _sizes(entries),
            _PATH,
            *(_parameter(i, name) for i, name in enumerate(names)),
            *_maps(entries, names),
            *_pattern_map(patterns),
            *_answers(),
        ]
    )
    server = _SERVER + "".join(
        f"if ($edge_{status}) {{ return {status}{f' $edge_{status}' if status != _GONE else ''}; }}\n"
        for status in STATUSES
    )
    return Export((TextFile(MAPS, text), TextFile(SERVER, server)), (*left_out, *doubles))


def _entries(rules: Iterable[ExportedRule]) -> tuple[dict[Names, dict[str, str]], list[LeftOut]]:
    """Shape (the names of the parameters) → key → answer."""
    found: dict[Names, dict[str, str]] = defaultdict(dict)
    found[()] = {}
    doubles: list[LeftOut] = []
    for rule in rules:
        if rule.kind is not Kind.EXACT:
            continue
        entries, answer = found[tuple(name for name, _ in rule.query)], _answer(rule)
        for key in _keys(rule):
            if entries.setdefault(key.lower(), answer) != answer:
                doubles.append(LeftOut(rule, "another rule differs from it by upper and lower case only"))
                break
    return found, doubles


def _keys(rule: ExportedRule) -> Iterator[str]:
    """The key in every usual spelling of its values: nginx compares them as they were sent."""
    path = rule.host + decoded(rule.path)
    safes = ("", "-._~!$'()*,:@/", "-._~/:@!$'()*,+;=")
    spellings = [{quote_plus(value), *(quote(value, safe=safe) for safe in safes)} for _, value in rule.query]
    keys = [path]
    for i, spelled in enumerate(spellings):
        keys = [f"{key}{'&' if i else '?'}{value}" for key in keys for value in sorted(spelled)]
    yield from keys


def _answer(rule: ExportedRule) -> str:
    return f"{rule.status} {rule.target}".replace("$", "${edge_dollar}")


def _word(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sizes(entries: dict[Names, dict[str, str]]) -> str:
    longest = max((len(key.encode()) for keys in entries.values() for key in keys), default=0)
    most = max((len(keys) for keys in entries.values()), default=0)
    bucket = 64
    while bucket < longest + 32:
        bucket *= 2
    return f"map_hash_max_size {max(2048, 2 * most)};\nmap_hash_bucket_size {bucket};\n"


def _parameter(i: int, name: str) -> str:
    bare = name.replace(".", "\\.")
    return f'map $args $edge_p{i} {{ "~*(?:^|&){bare}=(?<edge_v{i}>[^&]*)" $edge_v{i}; }}\n'


def _maps(entries: dict[Names, dict[str, str]], names: list[str]) -> Iterator[str]:
    """One map for each shape, the one that asks for most first; the next is its default."""
    shapes = sorted(entries, key=lambda shape: (-len(shape), shape))
    for i, shape in enumerate(shapes):
        default = f"$edge_exact_{i + 1}" if i + 1 < len(shapes) else "$edge_pattern"
        query = "".join(f"{'&' if n else '?'}$edge_p{names.index(name)}" for n, name in enumerate(shape))
        yield f'map "$host$edge_path{query}" $edge_exact_{i} {{\n    default {default};\n'
        yield from (f"    {_word(key)} {_word(answer)};\n" for key, answer in entries[shape].items())
        yield "}\n"


def _pattern_map(rules: Iterable[ExportedRule]) -> Iterator[str]:
    yield 'map "$host$edge_path" $edge_pattern {\n    default "";\n'
    for n, rule in enumerate(rules):
        expression = expression_of(rule)
        if isinstance(expression, Expression):
            yield f"    {_pattern(n, rule, expression)};\n"
    yield "}\n"


def _pattern(n: int, rule: ExportedRule, expression: Expression) -> str:
    text, answer = expression.text, _answer(rule)
    for i, name in enumerate(expression.groups):
        # The first group without a name of its own; (?: opens none.
        before, _, after = _split_at_group(text)
        text = f"{before}(?<edge_c{n}_{i}>{after}"
        answer = answer.replace(f"{{{name}}}", f"${{edge_c{n}_{i}}}")
    case = "*" if rule.fold_case else ""
    host = rule.host.replace(".", "\\.")
    return f"{_word(f'~{case}^{host}{text}$')} {_word(answer)}"


def _split_at_group(text: str) -> tuple[str, str, str]:
    at = 0
    while text[at] != "(" or text[at + 1] == "?":
        at += 2 if text[at] == "\\" else 1
    return text[:at], "(", text[at + 1 :]


def _answers() -> Iterator[str]:
    for status in STATUSES:
        yield f'map $edge_exact_0 $edge_{status} {{ "~^{status} (?<edge_t{status}>.*)$" '
        yield "1; }\n" if status == _GONE else f"$edge_t{status}; }}\n"
