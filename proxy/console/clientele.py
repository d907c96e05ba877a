"""All systems that people sign in for, as the console sees them: the operator's files, and what officers agree on.

What two people have agreed on is written to the state folder, where the edge takes it up by itself
(`proxy.login.client_following`).  Here is judged whether a record may be asked for at all: by sign-in's own rules, and
by those that keep one province out of another's business.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from proxy.console.desk import Desk
from proxy.gate_opening import read_paths
from proxy.login.opening import clients_folder, private_networks
from redirect_rules.enrolment import Enrolment, Record
from redirect_rules.objects import NEW, Kind, Ref, Revision, Stored
from redirect_rules.rights import CENTRE, Deed, Person, Province
from redirect_rules.sources import Problem, Problems
from sso import client_folder
from sso.clients import parse
from sso.model import Client
from sso.sources import ConfidentialDocument, Mistakes, documents

MOST_SECRETS: Final = 2
"""Of one client, the second while the first is being exchanged."""
_PROOF: Final = ("authentication", "secret_digests", "jwks", "jwks_uri")
_ANY_DIGEST: Final = "0" * 64
"""In place of a secret that is made when the wish is complete."""
_WRITING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Entry:
    """One client, however it came to us."""

    id: str
    province: Province
    record: Record | None = None  # what serves, or did before it was suspended
    wanted: Record | None = None
    asked_by: str = ""
    asked_at: datetime | None = None
    suspended: bool = False
    version: int = NEW  # NEW: only the operator's file knows it
    since: datetime | None = None  # of what serves; None: since the operator's file
    agreed: bool = False  # whether `record` is what two people agreed on; if not, it is the operator's
    in_force: bool = True  # whether the edge's file says what was agreed on

    @property
    def ref(self) -> Ref:
        """Where it stands in the register."""
        return Ref(Kind.CLIENT, self.province, self.id)

    @property
    def latest(self) -> Record:
        """What somebody looks at who changes it: the wish, if there is one."""
        return self.wanted or self.record or {}

    @property
    def state(self) -> str:
        """In a word, whose text is `client-state.WORD`."""
        if self.suspended:
            return "suspended"
        if self.record is None:
            return "waiting"
        return "changing" if self.wanted is not None else "serving"

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.latest.get("name", {}).get("vi") or self.id)


def everybody(desk: Desk) -> list[Entry]:
    """All of them, by id."""
    with desk.store.reading() as workspace:
        stored = list(workspace.objects(Kind.CLIENT))
        sinces = {one.ref: _since(workspace.history(one.ref)) for one in stored}
    found = {record["id"]: _of_file(desk, record) for record in shipped(desk)}
    found |= {one.ref.id: _of_register(desk, one, sinces[one.ref], found.get(one.ref.id)) for one in stored}
    return [found[id_] for id_ in sorted(found)]


def one(desk: Desk, id_: str) -> Entry | None:
    """The client of an id."""
    return next((entry for entry in everybody(desk) if entry.id == id_), None)


def shipped(desk: Desk) -> list[dict[str, Any]]:
    """The operator's own files as records; those that are no TOML are left out, `dvc-edge check` tells of them."""
    try:
        files = documents(desk.settings.path(desk.settings.sso.clients))
    except Mistakes:
        return []
    records = []
    for file in files:
        try:
            record = client_folder.without_defaults(client_folder.record_of(file))
        except Mistakes:
            continue
        if isinstance(record.get("id"), str):
            records.append(record)
    return records


def upstreams(desk: Desk) -> list[str]:
    """The ids of the services where people sign in."""
    return [path.stem for path in sorted(desk.settings.path(desk.settings.sso.upstreams).glob("*.toml"))]


def _of_file(desk: Desk, record: Record) -> Entry:
    return Entry(str(record["id"]), _province_of_portals(desk, record.get("portals", ())), record)


def _province_of_portals(desk: Desk, portals: Sequence[str]) -> Province:
    """Where a client lies that a file describes: where all its portals are, or else at the centre."""
    provinces = {desk.province(portal) for portal in portals}
    return provinces.pop() if len(provinces) == 1 else CENTRE


def _of_register(desk: Desk, stored: Stored, since: datetime | None, file: Entry | None) -> Entry:
    enrolment = Enrolment.of(stored.body)
    expected = None if enrolment.serving is None else _file_of(enrolment)
    return Entry(
        id=stored.ref.id,
        province=stored.ref.scope,
        # Until the first wish for it is agreed to, the operator's file goes on serving.
        record=enrolment.serving if enrolment.serving is not None or file is None else file.record,
        wanted=enrolment.wanted,
        asked_by=enrolment.asked_by,
        asked_at=enrolment.asked_at,
        suspended=enrolment.suspended,
        version=stored.version,
        since=since,
        agreed=enrolment.serving is not None,
        in_force=expected is None or client_folder.kept_text(clients_folder(desk.settings), stored.ref.id) == expected,
    )


def _file_of(enrolment: Enrolment) -> str:
    record = enrolment.serving or {}
    return client_folder.text_of({client_folder.SUSPENDED: True, **record} if enrolment.suspended else record)


def _since(history: Sequence[Revision]) -> datetime | None:
    steps = [one for one in history if one.body and one.body.get("did") in {"agreed", "renamed", "suspended"}]
    return steps[-1].at if steps else None


def put_into_force(desk: Desk, ref: Ref) -> None:
    """Write down for the edge what was agreed on.  Raises OSError: then `Entry.in_force` is False until it is done."""
    with _WRITING:  # of two who agree at once the later one's word is written last
        with desk.store.reading() as workspace:
            stored = workspace.get(ref)
        enrolment = Enrolment.of(stored.body) if stored is not None else Enrolment()
        if enrolment.serving is not None:
            client_folder.keep(clients_folder(desk.settings), enrolment.serving, suspended=enrolment.suspended)


# Records to ask for, made of those that there are


def with_another_secret(record: Record, digest: str) -> dict[str, Any]:
    """A record with one more secret, so that both hold while one is exchanged for the other."""
    digests = [*record.get("secret_digests", ())][-(MOST_SECRETS - 1) :]
    return {**record, "secret_digests": [*digests, digest]}


def with_newest_secret(record: Record) -> dict[str, Any]:
    """A record with its newest secret alone."""
    return {**record, "secret_digests": [*record.get("secret_digests", ())][-1:]}


def as_it_was(desk: Desk, entry: Entry, version: int) -> dict[str, Any] | None:
    """A client as a revision let it serve, but with what proves who it is now; None: none did.

    An old secret was perhaps exchanged because it had become known.
    """
    with desk.store.reading() as workspace:
        found = [one for one in workspace.history(entry.ref) if one.version == version and one.body is not None]
    record = Enrolment.of(found[0].body or {}).serving if found else None
    if record is None:
        return None
    now = entry.record or {}
    others = {key: value for key, value in record.items() if key not in _PROOF}
    return others | {key: now[key] for key in _PROOF if key in now}


# What may be asked for


def objections(desk: Desk, person: Person, province: Province, record: Record) -> list[tuple[str, str]]:
    """Everything that speaks against a record of this province: keys with what is wrong, in words of sign-in's files
    or as a text's key.
    """
    found = [*faults(desk, record)]
    found += _against_others(desk, person, province, record)
    if not found:
        found += _against_paths(desk, record)
    return found


def faults(desk: Desk, record: Record) -> Iterator[tuple[str, str]]:
    """What is wrong with a record by itself."""
    try:
        client_of(desk, _completed(record))
    except Mistakes as error:
        for mistake in error.mistakes:
            key, _, text = mistake.text.partition(": ")
            yield key.partition(".")[0], text or key


def by_secret(record: Record) -> bool:
    """Whether it proves who it is by a secret."""
    return str(record.get("authentication", "client_secret_basic")).startswith("client_secret")


def _completed(record: Record) -> Record:
    needs_one = by_secret(record) and not record.get("secret_digests")
    return {**record, "secret_digests": [_ANY_DIGEST]} if needs_one else record


def client_of(desk: Desk, record: Record) -> Client:
    """A record as sign-in reads it.  Raises Mistakes."""
    development = desk.settings.sso.environment == "development"
    document = ConfidentialDocument("client", client_folder.text_of(record))
    return parse(document, allowed=private_networks(desk.settings), development=development)


def _against_others(desk: Desk, person: Person, province: Province, record: Record) -> Iterator[tuple[str, str]]:
    others = [entry for entry in everybody(desk) if entry.id != record.get("id")]
    there = one(desk, str(record.get("id", "")))
    if there is not None and there.province != province:
        yield "id", "client-taken"
    portals = desk.provinces()
    foreign = [name for name in record.get("portals", ()) if name not in portals]
    if province != CENTRE:
        foreign += [name for name in record.get("portals", ()) if name in portals and portals[name] != province]
    if foreign:
        yield "portals", "client-portals-foreign"
    if set(record.get("upstreams", ())) - set(upstreams(desk)):
        yield "upstreams", "client-unknown"
    if person.may(Deed.EDIT_CLIENTS, CENTRE):
        return
    # Systems of one sector know a person by one name: whoever shares it can put together what two provinces know.
    own = {str(there.latest.get("sector"))} if there is not None else set[str]()
    own |= {str(alias.get("sector")) for alias in (there.latest.get("aliases", ()) if there is not None else ())}
    wanted = {str(record.get("sector")), *(str(alias.get("sector")) for alias in record.get("aliases", ()))} - own
    theirs = {str(entry.latest.get("sector")) for entry in others if entry.province != province}
    if wanted & theirs:
        yield "sector", "client-sector-foreign"


def _against_paths(desk: Desk, record: Record) -> Iterator[tuple[str, str]]:
    """Whether conf/sign_in.toml could still be read: an edge that starts again must find what its paths need."""
    before = {entry.id: entry.record for entry in everybody(desk) if entry.record is not None}
    after = {**before, str(record["id"]): record}
    if new := _path_problems(desk, after) - _path_problems(desk, before):
        yield "portals", min(problem.text for problem in new)


def _path_problems(desk: Desk, records: Mapping[str, Record]) -> frozenset[Problem]:
    clients: dict[str, Client] = {}
    for id_, record in records.items():
        try:
            clients[id_] = client_of(desk, _completed(record))
        except Mistakes:
            continue
    try:
        read_paths(desk.settings, desk.published().snapshot.all_portals, clients)
    except Problems as error:
        return frozenset(error.problems)
    return frozenset()
