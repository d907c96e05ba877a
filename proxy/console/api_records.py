"""What was counted and what was done, for programs: hits, the trail, files to take along, batches to put back."""

from itertools import islice
from typing import Final

from proxy.console import api_register_models as m
from proxy.console import api_work
from proxy.console.api_models import CoverageModel, HitsModel, HitsQuery, Nothing, PageModel, WorkModel
from proxy.console.api_operations import CSV, JSON_LINES, Endpoint
from proxy.console.audit_pages import as_csv, as_json_lines
from proxy.console.calls import Call, Download
from proxy.console.hits_pages import span_of, unmapped_pages
from proxy.console.readiness_pages import export as readiness_file
from redirect_rules.audit import Entry, Search
from redirect_rules.objects import NEW, Kind, Ref
from redirect_rules.people import digest_of
from redirect_rules.rights import CENTRE, Deed


def get_hits(call: Call, query: HitsQuery) -> HitsModel:
    """What was counted."""
    span = span_of(call, query.days, query.portal)
    coverage = [
        CoverageModel(day=one.day.isoformat(), portal=one.portal, pages=one.pages, mapped=one.mapped)
        for one in call.desk.hits.coverage(span)
    ]
    pages = unmapped_pages(call, span, most=query.limit)
    return HitsModel(coverage=coverage, unmapped=[PageModel(**page._asdict()) for page in pages])


def get_outcomes(call: Call, query: m.SpanQuery) -> m.OutcomesModel:
    """Every visit by day, outcome and client class."""
    found = call.desk.hits.answered(span_of(call, query.days, query.portal))
    return m.OutcomesModel(items=[m.OutcomeModel(**one._asdict()) for one in found])


def get_rule_hits(call: Call, query: HitsQuery) -> m.RuleHitsPage:
    """Rules that were hit, the most often first."""
    found = call.desk.hits.rules(span_of(call, query.days, query.portal), most=query.limit)
    return m.RuleHitsPage(
        items=[m.RuleHitsModel(rule=one.rule, visits=one.visits) for one in islice(found, query.limit)]
    )


def ignore_page(call: Call, body: m.NoiseBody) -> Nothing:
    """Nobody needs a rule for this page."""
    portal = call.desk.published().snapshot.portals.get(body.key.partition("/")[0])
    call.must(Deed.EDIT, call.desk.province(portal.id) if portal else CENTRE)
    ref = Ref(Kind.NOISE, f"portal:{portal.id}" if portal else "", digest_of(body.key)[:16])
    with call.desk.store.reading() as workspace:
        there = workspace.get(ref)
    seen = there.version if there else NEW
    call.office.put(ref, {"key": body.key}, call.change(body.reason), seen_version=seen)
    return Nothing()


# The trail


def get_audit(call: Call, query: m.TrailQuery) -> m.TrailPage:
    """Who changed what, and why."""
    wanted = Search(query.actor, query.action, query.word, query.since, query.until)
    found = call.desk.store.trail.search(wanted, before=query.before, limit=query.limit)
    return m.TrailPage(items=[_entry(one) for one in found.entries], next=found.looked_to)


def _entry(one: Entry) -> m.TrailEntry:
    return m.TrailEntry(
        number=one.number,
        at=one.at,
        actor=one.actor,
        action=one.action,
        subject=one.subject,
        reason=one.reason,
        batch=one.batch,
        count=one.count,
    )


def get_audit_head(call: Call, _: None) -> m.HeadModel:
    """Where the chain stands."""
    head = call.desk.store.trail.head()
    return m.HeadModel(number=head.number, hash=head.hash)


def begin_verification(call: Call, _: None) -> WorkModel:
    """Follow the chain from its first entry to its last, and compare what each wrote."""
    return api_work.begin(call, "verify", "audit")


# Files


def audit_csv(call: Call, query: m.FileQuery) -> Download:
    """The trail as a table."""
    return as_csv(call.desk.store.trail, after=query.after, limit=query.limit)


def audit_lines(call: Call, query: m.FileQuery) -> Download:
    """The trail with its hashes, an entry in each line."""
    return as_json_lines(call.desk.store.trail, after=query.after, limit=query.limit)


def readiness_csv(call: Call, _: None) -> Download:
    """The table of the provinces."""
    made = readiness_file(call)
    if not isinstance(made, Download):
        raise TypeError("the page of readiness gives no file")
    return made


_SEE: Final = Deed.SEE
_TRAIL: Final = Deed.SEE_TRAIL
ENDPOINTS: Final = (
    Endpoint("GET", "/hits", "What was counted", _SEE, get_hits, HitsModel, query=HitsQuery),
    Endpoint("GET", "/hits/outcomes", "Outcomes by day", _SEE, get_outcomes, m.OutcomesModel, query=m.SpanQuery),
    Endpoint("GET", "/hits/rules", "Rules that were hit", _SEE, get_rule_hits, m.RuleHitsPage, query=HitsQuery),
    Endpoint("POST", "/hits/ignored", "Ignore a page as noise", Deed.EDIT, ignore_page, Nothing, body=m.NoiseBody),
    Endpoint("GET", "/audit", "The audit trail", _TRAIL, get_audit, m.TrailPage, query=m.TrailQuery),
    Endpoint("GET", "/audit/head", "Where the trail stands", _TRAIL, get_audit_head, m.HeadModel),
    Endpoint("POST", "/audit/verification", "Verify the trail", _TRAIL, begin_verification, WorkModel, status=202),
    Endpoint("GET", "/exports/audit.csv", "The trail as a table", _TRAIL, audit_csv, CSV, query=m.FileQuery),
    Endpoint(
        "GET", "/exports/audit.jsonl", "The trail with its hashes", _TRAIL, audit_lines, JSON_LINES, query=m.FileQuery
    ),
    Endpoint("GET", "/exports/readiness.csv", "Readiness as a file", _SEE, readiness_csv, CSV),
)
