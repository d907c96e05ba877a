"""What the fourth step makes: doors by the broker, beside passwords and sessions that stay good."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from redirect_rules.audit import utc_text
from redirect_rules.people import digest_of
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0004_officers as step
from redirect_rules.stores.people import SqlPeople
from tests.conftest import AUTUMN
from tests.redirect_rules.seals import SEAL
from tests.redirect_rules.stores.migrations.former import make_tables


def test_it_follows_the_third() -> None:
    assert (step.revision, step.down_revision) == ("v0004", "v0003")


def test_passwords_telephones_and_sessions_of_before_are_still_good(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    make_tables(url, "v0003")
    begun, ends = utc_text(AUTUMN), utc_text(AUTUMN + timedelta(hours=9))
    with create_engine(url).begin() as connection:
        connection.execute(text("insert into passwords values ('an', '$argon2id$', 'GEZDGNBV', 0, null, 7)"))
        row = {"digest": digest_of("cookie"), "begun": begun, "ends": ends}
        connection.execute(
            text("insert into signed_in values (:digest, 'an', 'csrf', :begun, :begun, :ends, 'password')"), row
        )
    with closing(Database(url)) as database:
        people = SqlPeople(database, SEAL)
        kept = people.password("an")
        assert kept is not None
        assert (kept.totp, kept.last_step, kept.open_until, kept.is_stale) == ("GEZDGNBV", 7, None, True)
        found = people.signed_in(digest_of("cookie"), now=AUTUMN, idle_seconds=1_800)
        assert found is not None
        assert (found.actor, found.way, found.sid, found.id_token) == ("an", "password", "", "")
        assert people.passwords_closed_at() is None
