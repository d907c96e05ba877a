"""A finding as people read it."""

from redirect_rules.findings import Finding, Flaw, Severity


def test_a_finding_names_the_rule_or_else_the_portal() -> None:
    rule = Finding(Flaw.LOOP, Severity.ERROR, "langson", "langson/a", "nobody arrives")
    table = Finding(Flaw.LOOKUP, Severity.WARNING, "langson", "", "no rule asks the table")
    assert str(rule) == "error: langson/a: nobody arrives"
    assert str(table) == "warning: langson: no rule asks the table"
