"""Rules → HAProxy: map files, and the lines of a frontend that ask them.

Exact addresses cost one look-up in a tree; templates are tried one by one.  `lower` folds a to z only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from redirect_rules.exchange.exports.rules import (
    REDIRECTS,
    Export,
    ExportedRule,
    Expression,
    Kind,
    TextFile,
    decoded,
    expression_of,
    ranked,
    sorted_out,
)

FRONTEND = "edge-frontend.cfg"
FOLDER = "/etc/haproxy/edge"

_INDEX = r"/+(index\.(html?|xhtml|php|jsp|aspx?|do)|default\.(aspx?|html?))"
_STEPS = (
    "url_dec",
    """'regsub(";jsessionid=[^;/]*","",gi)'""",
    """'regsub("/+","/",g)'""",
    """'regsub("/([.]/)+","/",g)'""",
    f"""'regsub("({_INDEX})+/*$","",i)'""",
    """'regsub("/$","")'""",
    """'regsub(" ","%20",g)'""",
)
"""The path as the rules know it: decoded once, no session, index file or final slash; no space in a map's key."""

_HEAD = f"""\
# Lines for the frontend of the old addresses; what is not listed goes on below them.
http-request set-var(txn.edge_host) req.hdr(host),field(1,:),lower,'regsub("[.]$","")'
http-request set-var(txn.edge_bare) path,{",".join(_STEPS)}
http-request set-var(txn.edge_cased) var(txn.edge_host),concat(,txn.edge_bare)
http-request set-var(txn.edge_folded) var(txn.edge_cased),lower
"""

Shape = tuple[bool, tuple[str, ...]]
"""Whether case is folded, and the names of the parameters."""


def export(rules: Iterable[ExportedRule], *, folder: str = FOLDER) -> Export:
    """Write the rules: FRONTEND, and the map files that it looks for in `folder`."""
    fit, left_out = sorted_out(rules)
    shapes: dict[Shape, list[ExportedRule]] = defaultdict(list)
    for rule in fit:
        if rule.kind is Kind.EXACT:
            shapes[rule.fold_case, tuple(name for name, _ in rule.query)].append(rule)
    names = sorted({name for _, shape in shapes for name in shape})
    lines, files = [_HEAD], []
    for i, name in enumerate(names):
        # As in every look-up of ours names have no case, and the first value counts.
        files.append(TextFile(f"parameter-{i}.map", f"(?i)(?:^|&){name.replace('.', '[.]')}=([^&]*) \\1\n"))
        lines.append(
            f"http-request set-var(txn.edge_v{i}) query,map_regm({folder}/parameter-{i}.map),url_dec(1),"
            '\'regsub(" ","%20",g)\'\n'
        )
    for i, shape in enumerate(sorted(shapes, key=lambda shape: (-len(shape[1]), shape))):
        file = TextFile(f"exact-{i}.map", "".join(f"{_key(rule)} {_answer(rule)}\n" for rule in shapes[shape]))
        files.append(file)
        lines.append(_asking(f"{_key_of(shape, names)},map_str({folder}/{file.name})"))
    patterns = list(_patterns(ranked(rule for rule in fit if rule.kind is not Kind.EXACT)))
    if patterns:
        files.append(TextFile("patterns.map", "".join(patterns)))
        lines.append(_asking(f"var(txn.edge_cased),map_regm({folder}/patterns.map)"))
    return Export((TextFile(FRONTEND, "".join([*lines, *_answers()])), *files), tuple(left_out))


def _spaceless(text: str) -> str:
    return text.replace(" ", "%20")


def _key(rule: ExportedRule) -> str:
    path = rule.host + _spaceless(decoded(rule.path))
    query = "&".join(_spaceless(value) for _, value in rule.query)
    return f"{path}?{query}" if query else path


def _answer(rule: ExportedRule) -> str:
    return f"{rule.status} {rule.target}".strip()


def _key_of(shape: Shape, names: list[str]) -> str:
    folded, wanted = shape
    key = "var(txn.edge_folded)" if folded else "var(txn.edge_cased)"
    return key + "".join(f",concat({'&' if i else '?'},txn.edge_v{names.index(name)})" for i, name in enumerate(wanted))


def _asking(lookup: str) -> str:
    return f"http-request set-var(txn.edge_answer) {lookup} if !{{ var(txn.edge_answer) -m found }}\n"


def _patterns(rules: Iterable[ExportedRule]) -> Iterator[str]:
    for rule in rules:
        expression = expression_of(rule)
        if isinstance(expression, Expression):
            answer = _answer(rule)
            for i, name in enumerate(expression.groups, start=1):
                answer = answer.replace(f"{{{name}}}", f"\\{i}")
            case = "(?i)" if rule.fold_case else ""
            yield f"{case}^{rule.host.replace('.', '[.]')}{_spaceless(expression.text)}$ {answer}\n"


def _answers() -> Iterator[str]:
    for status in REDIRECTS:
        yield (
            'http-request redirect location %[var(txn.edge_answer),\'regsub("^[0-9]+ ","")\'] '
            f'code {status} if {{ var(txn.edge_answer) -m beg "{status} " }}\n'
        )
    gone = 'http-request return status 410 content-type "text/plain" string "Gone"'
    yield gone + " if { var(txn.edge_answer) -m str 410 }\n"
