"""What the API takes and gives of all that is no rule and no draft: objects, people, tokens, counts, the trail."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from proxy.console.api_models import Model, Number, Reason, Text
from redirect_rules.rights import Deed, Role

State = Literal["on", "off"]
Limit = Annotated[int, Field(ge=1, le=500)]
SeenVersion = Annotated[int, Field(ge=0, le=10**8, description="0: it must not exist yet.")]


class PageQuery(Model):
    """Where to go on."""

    after: Text = ""
    limit: Limit = 100


class ObjectModel(BaseModel):
    """A portal, destination, family or lookup in the draft."""

    owner: str = Field(description="Of lookups the portal or family that they belong to; else empty.")
    id: str
    version: int
    state: State
    body: dict[str, Any] = Field(description="As the files of conf/ have it.")


class ObjectLine(BaseModel):
    """One of a list."""

    owner: str
    id: str
    version: int
    state: State


class ObjectPage(BaseModel):
    """Some objects, by owner and id."""

    items: list[ObjectLine]
    next: str | None = Field(description="What to ask for as `after`; null: there are no more.")


class ObjectBody(Model):
    """An object to be kept."""

    body: dict[str, Any]
    reason: Reason
    state: State = "on"
    seen_version: SeenVersion = 0


class HistoryQuery(Model):
    """Of which object."""

    kind: Literal["rule", "portal", "destination", "family", "lookup"]
    owner: Text = ""
    id: Annotated[Text, Field(min_length=1)]


class RevisionModel(BaseModel):
    """An object as it stood from one change to the next."""

    version: int
    actor: str
    reason: str
    at: datetime
    batch: str | None
    state: State
    body: dict[str, Any] | None = Field(description="null: it was removed.")


class HistoryModel(BaseModel):
    """Every revision, the newest first."""

    items: list[RevisionModel]


class RestoreBody(HistoryQuery):
    """An earlier revision to be written again."""

    version: Number
    seen_version: SeenVersion
    reason: Reason


class ScheduleQuery(Model):
    """By what serves, or by the draft; at which instant."""

    draft: bool = False
    at: AwareDatetime | None = None


class PhaseModel(BaseModel):
    """From an instant on."""

    at: datetime
    phase: str


class ScheduleModel(BaseModel):
    """What a portal is going through."""

    portal: str
    phase: str
    changes: list[PhaseModel] = Field(description="Every instant at which its phase changes, past ones too.")


class SchedulesModel(BaseModel):
    """All portals."""

    items: list[ScheduleModel]


class ScheduleBody(Model):
    """A portal's schedule to be kept; everything else of the portal stays."""

    schedule: dict[str, Any] = Field(
        description="announced_at, notice_at, direct_at, retired_at, probation_days, pilot"
    )
    reason: Reason
    seen_version: Number


class SwitchesModel(BaseModel):
    """Portals whose emergency switch is on."""

    switches: dict[str, str]


class LocalityQuery(Model):
    """A place as people write it, or its code."""

    q: Annotated[Text, Field(min_length=1, max_length=200)]
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class LocalityModel(BaseModel):
    """A place, and what it is today."""

    code: str
    name: str
    confidence: str
    now: list[str]


class LocalitiesModel(BaseModel):
    """Places that fit, the best first."""

    items: list[LocalityModel]


class DisputedModel(BaseModel):
    """An old commune whose successor the sources do not agree on."""

    code: str
    name: str
    now: list[str]


class DisputesModel(BaseModel):
    """All of them."""

    items: list[DisputedModel]


class ReadinessModel(BaseModel):
    """A province of today."""

    code: str
    name: str
    done: int
    cells: dict[str, "CellModel"]


class CellModel(BaseModel):
    """What is known of one thing."""

    state: str = Field(description="yes, no, partly; empty: nobody has said.")
    by: str = Field(description="Who signed it off; empty: the edge saw it by itself.")
    say: str


class ReadinessPage(BaseModel):
    """The whole table."""

    items: list[ReadinessModel]


class GrantModel(Model):
    """A role in a province of today (its code), or everywhere."""

    role: Role
    province: Annotated[str, Field(pattern=r"^(\*|[0-9]{2})$")] = "*"


class PersonModel(BaseModel):
    """An officer."""

    actor: str
    version: int
    name: str
    grants: list[GrantModel]


class PeoplePage(BaseModel):
    """Everybody."""

    items: list[PersonModel]


class PersonBody(Model):
    """An officer to be kept.  How they sign in is arranged on the pages."""

    name: Annotated[Text, Field(max_length=200)] = ""
    grants: Annotated[list[GrantModel], Field(max_length=50)]
    reason: Reason
    seen_version: SeenVersion = 0


class TokenModel(BaseModel):
    """A token, never its secret."""

    id: str
    actor: str
    name: str
    deeds: list[Deed]
    created_at: datetime
    expires_at: datetime
    used_on: str
    revoked_at: datetime | None


class TokensModel(BaseModel):
    """One's own; an administrator at a browser sees everybody's."""

    items: list[TokenModel]


class TokenBody(Model):
    """A token to be made."""

    name: Annotated[Text, Field(min_length=1, max_length=100, pattern=r"\S")]
    days: Annotated[int, Field(ge=1, le=366)]
    deeds: Annotated[list[Deed], Field(min_length=1, max_length=len(Deed))]


class FreshTokenModel(TokenModel):
    """A token that was just made."""

    secret: str = Field(description="Shown this once.")


class RuleHitsModel(BaseModel):
    """How often a rule was hit."""

    rule: str
    visits: int


class RuleHitsPage(BaseModel):
    """Rules that were hit, the most often first."""

    items: list[RuleHitsModel]


class OutcomeModel(BaseModel):
    """How often a client class got an outcome on a day."""

    day: date
    outcome: str
    client: str
    visits: int


class OutcomesModel(BaseModel):
    """Every visit that was counted, page or not."""

    items: list[OutcomeModel]


class SpanQuery(Model):
    """Of which days and portal."""

    portal: Text = ""
    days: Annotated[int, Field(ge=1, le=400)] = 28


class NoiseBody(Model):
    """A page that needs no rule."""

    key: Annotated[Text, Field(min_length=1, max_length=4_000, description="host/path, as `unmapped` names it")]
    reason: Reason


class TrailQuery(Model):
    """Which entries."""

    actor: Text = ""
    action: Text = ""
    word: Text = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: Annotated[int, Field(ge=1, le=10**12)] | None = None
    limit: Limit = 100


class TrailEntry(BaseModel):
    """An entry of the trail."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    reason: str
    batch: str | None
    count: int


class TrailPage(BaseModel):
    """Entries that fit, the newest first."""

    items: list[TrailEntry]
    next: int | None = Field(
        description="What to ask for as `before`; null: there are no more. A search looks through 50,000 entries at a "
        "time, so there may be fewer than asked for, or none, and still a next."
    )


class HeadModel(BaseModel):
    """Where the chain of the trail stands: keep it elsewhere, so that a trail that was cut off is noticed."""

    number: int
    hash: str


class FileQuery(Model):
    """Which part of the trail."""

    after: Annotated[int, Field(ge=0, le=10**12)] = 0
    limit: Annotated[int, Field(ge=1, le=100_000)] = 100_000


class UndoneModel(BaseModel):
    """A batch that was put back."""

    version: int
