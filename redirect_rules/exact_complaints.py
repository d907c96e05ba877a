"""What may not be compiled, and what to write instead: the mistakes of exact rules, alone and beside each other."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from string import ascii_letters, digits
from typing import Final

from redirect_rules.canonical import LONGEST_TARGET, SENSITIVE
from redirect_rules.destinations import LONGEST_TARGET as LONGEST_URL
from redirect_rules.exact import MOST_NAME_SETS, PINNED, ExactRule, Names, Pairs, spelling
from redirect_rules.model import Action

MOST_NAMES: Final = 8
"""Parameters that one rule may ask for."""
MOST_AT_ONE_ADDRESS: Final = 16
"""Rules of one address that follow each other in time."""
IN_PATHS: Final = (ascii_letters + digits + "-._~!$'()*,:@%/").encode()
"""What a canonical path is made of."""

_LEADS = frozenset({Action.NOTICE, Action.REDIRECT, Action.ASK})


def complaint(rule: ExactRule) -> str | None:
    """Why a rule cannot be compiled, and what to write instead; None when it can.

    Whether the path is the one that `canonical_key` would give, and whether the destination exists, is for the maker
    of the rule to know.
    """
    return complaint_about_address(rule) or complaint_about_end(rule)


def complaint_about_address(rule: ExactRule) -> str | None:
    """What is wrong with where the rule stands."""
    path = rule.path
    bare = path[:1] == "/" and (path[-1] != "/" or path == "/") and "//" not in path and path.isascii()
    # translate() deletes what may stand there: half the time of a regular expression, which counts ten million times.
    if not bare or len(path) > LONGEST_TARGET or path.encode().translate(None, IN_PATHS):
        return f"{path!r} is no canonical path: make it with canonical_key"
    if rule.query and (wrong := _complaint_about_query(rule.query)):
        return wrong
    if len(rule.url) > LONGEST_URL:
        return f"the address it leads to is longer than {LONGEST_URL} characters"
    return None if rule.id and rule.portal else "a rule needs an id and a portal"


def _complaint_about_query(query: Pairs) -> str | None:
    if sum([len(name) + len(value) for name, value in query]) > LONGEST_TARGET:
        return f"the parameters are longer than {LONGEST_TARGET} characters"
    return _complaint_about_names(tuple([name for name, _ in query]))


@lru_cache(1_024)
def _complaint_about_names(names: Names) -> str | None:
    if len(names) > MOST_NAMES:
        return f"asks for {len(names)} parameters: keep the {MOST_NAMES} that tell pages apart, or fewer"
    if sorted(set(names)) != list(names) or not all(names):
        return "the parameters must be sorted by name, each named once"
    if any(name != name.lower() for name in names):
        return "the names of parameters must be in lower case"
    if sensitive := SENSITIVE.intersection(names):
        return f"asks for {', '.join(sorted(sensitive))}, which is never looked at: remove it"
    return None


def complaint_about_end(rule: ExactRule) -> str | None:
    """What is wrong with where the rule leads, or with its time.  Rules of one shape are right or wrong together."""
    leads = bool(rule.destination) + bool(rule.url)
    if rule.action in _LEADS and leads != 1:
        return "where does it lead? name a destination, or spell a url"
    if rule.action in PINNED and leads:
        return f"a rule that says {rule.action} leads nowhere: remove the destination"
    if leads > 1:
        return "name a destination, or spell a url, not both"
    if rule.otherwise and not rule.destination:
        return "a second destination wants a first one that may fail: remove it"
    if rule.url and not rule.url.startswith("https://"):
        return f"{rule.url!r} is not https"
    begin, end = rule.valid_from, rule.valid_until
    if any(at is not None and at.tzinfo is None for at in (begin, end)):
        return "valid_from and valid_until need a time zone"
    return "valid_until must be later than valid_from" if begin and end and begin >= end else None


def complaint_about_neighbours(rules: Sequence[ExactRule]) -> str | None:
    """Why rules of one address cannot stand together: two in force at once, or too many."""
    if len(rules) > MOST_AT_ONE_ADDRESS:
        return f"{len(rules)} rules at {spelling(*rules[0][1:3])}: {MOST_AT_ONE_ADDRESS} at most"
    for one, other in combinations(rules, 2):
        before = one.valid_until and other.valid_from and one.valid_until <= other.valid_from
        after = other.valid_until and one.valid_from and other.valid_until <= one.valid_from
        if not (before or after):
            return f"{spelling(*one[1:3])} is known as well by {one.id}: keep one of them, or part them by time"
    return None


def complaint_about_name_sets(path: str, name_sets: Iterable[Names]) -> str:
    """What to say of a path whose rules ask for too many different sets of parameters."""
    shown = ", ".join("+".join(names) for names in name_sets)
    return (
        f"{path}: its rules ask for more than {MOST_NAME_SETS} different sets of parameters ({shown}, …): "
        "write a template, or leave out the parameters that do not tell pages apart"
    )
