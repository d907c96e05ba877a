"""What the API takes and gives of sign-in: clients without their secrets, what they are told, codes, sign-outs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from proxy.console.api_models import Model, Number, Reason, Text

Seen = Annotated[int, Field(ge=0, le=10**8, description="The `version` that was read last; 0: none yet.")]
Words = Annotated[dict[str, str], Field(description="By language: vi, en.")]


class ClientsQuery(Model):
    """Which clients."""

    province: Annotated[
        str, Field(pattern=r"^([0-9]{2}|centre)?$", description="A code of today; centre: in none.")
    ] = ""
    state: Literal["", "serving", "changing", "waiting", "suspended"] = ""
    word: Annotated[Text, Field(max_length=200)] = ""


class ClientModel(BaseModel):
    """A system that people sign in for."""

    id: str
    province: str = Field(description="The code of a province of today; empty: it lies in none.")
    state: Literal["serving", "changing", "waiting", "suspended"]
    version: int = Field(description="0: only the operator's file knows it.")
    record: dict[str, Any] | None = Field(
        description="What serves, or did until it was suspended: as a file of conf/clients, without its secrets."
    )
    secrets: int = Field(description="How many secrets hold.")
    wanted: dict[str, Any] | None = Field(description="What somebody has asked for, and nobody has answered.")
    wanted_secrets: int
    asked_by: str
    asked_at: datetime | None
    since: datetime | None = Field(description="null: since the operator's file.")
    in_force: bool = Field(description="false: the edge's file does not say what was agreed on; write it out again.")


class ClientsModel(BaseModel):
    """All that fit, by id."""

    items: list[ClientModel]


class FreshClientModel(ClientModel):
    """A client that something was asked for."""

    secret: str | None = Field(description="A secret that was just made: shown this once.  null: none was needed.")


class ClientStepModel(BaseModel):
    """Something that somebody did with a client."""

    version: int
    at: datetime
    actor: str
    reason: str
    did: str = Field(description="asked, agreed, declined, renamed, suspended")
    record: dict[str, Any] | None = Field(description="What was asked for, or served from then.")


class ClientHistoryModel(BaseModel):
    """Every step, the newest first."""

    items: list[ClientStepModel]


class ClientBody(Model):
    """A client as it shall be, whole: what is left out has its customary value."""

    record: dict[str, Any] = Field(
        description="As a file of conf/clients.  Without secret_digests: a secret is made by the console, and those "
        "that there are stay."
    )
    province: (
        Annotated[str, Field(pattern=r"^([0-9]{2})?$", description="Where a new one lies; empty: in no province.")]
        | None
    ) = None
    reason: Reason
    seen_version: Seen


class StepBody(Model):
    """Why, and what was seen."""

    reason: Reason
    seen_version: Seen


class SecretBody(StepBody):
    """A second secret; or that the newest alone stay."""

    only_newest: bool = False


class EarlierBody(StepBody):
    """A revision that once served."""

    version: Number


class ReleasesQuery(Model):
    """Which lines of the register."""

    client: Text = ""
    attribute: Text = ""
    province: Annotated[str, Field(pattern=r"^([0-9]{2}|centre)?$")] = ""


class ReleaseModel(BaseModel):
    """One attribute that one client is told."""

    client: str
    name: str
    province: str = Field(description="Its name; empty: in none.")
    attribute: str
    legal_basis: str
    level: int
    consent: str
    since: datetime | None = Field(description="null: since the operator's file.")
    asked_by: str
    agreed_by: str
    state: str


class ReleasesModel(BaseModel):
    """The register of attribute release."""

    items: list[ReleaseModel]


class SignOutErrorModel(BaseModel):
    """What went wrong, and how often."""

    error: str
    count: int


class SignOutsOfModel(BaseModel):
    """What one client has yet to hear."""

    client: str
    waiting: int
    delivered: int
    given_up: int
    oldest: datetime | None = Field(description="Of those that wait.")
    next_at: datetime | None
    errors: list[SignOutErrorModel]


class SignOutsModel(BaseModel):
    """Sign-outs by client."""

    on: bool = Field(description="false: nobody signs in here.")
    items: list[SignOutsOfModel]


class CodeModel(BaseModel):
    """What a code means that a citizen reads out."""

    code: str
    error: str
    status: int
    description: str
    what: Words
    sees: Words
    say: Words


class CodesModel(BaseModel):
    """All of them."""

    items: list[CodeModel]


class HappenedModel(BaseModel):
    """One line of what was written down: nothing of anybody."""

    at: datetime
    event: str
    outcome: str
    cause: str
    client: str
    upstream: str
    level: int


class CodeFoundModel(BaseModel):
    """What is known of a code."""

    meaning: CodeModel | None = Field(description="null: it is the code of a request.")
    events: list[HappenedModel]
