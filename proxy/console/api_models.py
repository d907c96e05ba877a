"""What the API takes and gives, as models: the one description, from which the OpenAPI document is made."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from redirect_rules.exchange.outcomes import Mode
from redirect_rules.model import Action, Switch

Text = Annotated[str, Field(max_length=8_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
_WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*[^\x00-\x20\x7f\s][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""Texts in which something is said: blanks alone say nothing."""
Reason = Annotated[
    str, Field(min_length=1, max_length=500, pattern=_WORDS, description="Why: it stands in the audit trail.")
]
Number = Annotated[int, Field(ge=1, le=10**8)]


class Model(BaseModel):
    """Unknown keys are refused: a misspelt one would be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[str] = []


class Nothing(Model):
    """No body."""


class ExplainBody(Model):
    """An old address."""

    url: Annotated[Text, Field(min_length=1)]
    draft: bool = False
    at: AwareDatetime | None = None


class ExplanationModel(BaseModel):
    """What becomes of it."""

    url: str
    portal: str | None
    phase: str | None
    client_class: str
    key: str | None
    rule: str | None
    outcome: str
    destination: str | None
    target: str | None
    trace: list[str]


class RuleFilterQuery(Model):
    """Filters."""

    owner: Text = ""
    q: Text = ""
    action: Action | None = None
    destination: Text = ""
    tag: Text = ""
    owned_by: Text = ""
    state: Literal["on", "off"] | None = None
    expired: bool = False


class RuleQuery(RuleFilterQuery):
    """Filters, and where to go on."""

    order: Annotated[
        Literal["name", "changed"],
        Field(description="Where an address or its beginning is asked for, the order is by address."),
    ] = "name"
    after: Annotated[str, Field(max_length=400, pattern=r"^([^|\x00-\x1f\x7f]+\|[^\x00-\x1f\x7f]+\|[0-9]{1,15})?$")] = (
        ""
    )
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class RuleModel(BaseModel):
    """A rule in the draft."""

    owner: str
    id: str
    version: int
    state: Literal["on", "off"]
    rule: dict[str, Any] = Field(description="As a [[rule]] of the files: id, exact, paths, action, to, …")


class RulePage(BaseModel):
    """Some rules."""

    items: list[RuleModel]
    next: str | None = Field(description="What to ask for as `after`; null: there are no more.")


class CountModel(BaseModel):
    """How many there are."""

    count: int


class BulkBody(Model):
    """What to change in every rule that fits."""

    filter: RuleFilterQuery
    change: Literal["destination", "action", "state", "tag", "untag", "owned_by", "valid_until", "remove"]
    value: Text = ""
    dry_run: bool = True
    reason: Reason


class BulkModel(BaseModel):
    """What was changed, or would be."""

    changing: int
    batch: str | None = Field(description="Under which it can be put back; null: nothing was written.")


class RuleBody(Model):
    """A rule to be kept."""

    rule: dict[str, Any]
    reason: Reason
    state: Literal["on", "off"] = "on"
    seen_version: Annotated[int, Field(ge=0, le=10**8, description="0: it must not exist yet.")] = 0


class RemoveBody(Model):
    """A rule to be removed."""

    reason: Reason
    seen_version: Number


class ImportBody(Model):
    """Old addresses, as a file would hold them."""

    text: Annotated[str, Field(min_length=1, max_length=200_000_000)]
    name: Annotated[Text, Field(min_length=1, max_length=200)] = "rules.csv"
    mode: Mode
    portal: Text = ""
    action: Action = Action.NOTICE
    dry_run: bool = True
    reason: Reason = "import"


class EffectBody(Model):
    """Which recorded hits to compare."""

    days: Annotated[int, Field(ge=1, le=400)] = 28


class WorkModel(BaseModel):
    """Work that takes a while: ask for it again until it has ended."""

    id: str
    kind: str
    title: str
    actor: str
    begun_at: str
    state: Literal["running", "done", "failed", "broken-off"]
    stage: str
    done: int
    error: str
    result: dict[str, Any]


class MessageBody(Model):
    """What changes, and from when."""

    message: Reason
    at: AwareDatetime | None = None


class PublishBody(MessageBody):
    """With the request that was approved."""

    review: Number | None = None


class ReasonBody(Model):
    """Why."""

    reason: Reason


class ReviewModel(BaseModel):
    """A request to publish."""

    number: int
    revision: int
    message: str
    requested_by: str
    requested_at: datetime
    state: str
    decided_by: str


class PublishedModel(BaseModel):
    """A number."""

    number: int
    message: str
    actor: str
    approved_by: str
    at: datetime
    activates_at: datetime
    state: str
    hash: str


class DraftModel(BaseModel):
    """Where the draft stands."""

    revision: int
    active: PublishedModel | None
    reviews: list[ReviewModel]
    history: list[PublishedModel]
    switches: dict[str, Switch]


class SwitchBody(Model):
    """A position; null turns the switch off."""

    position: Switch | None
    reason: Reason


class HitsQuery(Model):
    """Of which days and portal."""

    portal: Text = ""
    days: Annotated[int, Field(ge=1, le=400)] = 28
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class PageModel(BaseModel):
    """A page that no rule knows."""

    portal: str
    key: str
    visits: int


class CoverageModel(BaseModel):
    """Visits to closed pages on a day, and those that a rule knew."""

    day: str
    portal: str
    pages: int
    mapped: int


class HitsModel(BaseModel):
    """What was counted."""

    coverage: list[CoverageModel]
    unmapped: list[PageModel]
