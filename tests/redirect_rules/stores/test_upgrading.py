"""Tables are brought to the number that this release knows, once."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from redirect_rules.store import StoreTooNew
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations import NEWEST


def test_the_newest_number_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "redirect_rules.stores:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_tables_of_a_later_release_are_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    Database(url).close()
    with sqlite3.connect(tmp_path / "rules.db") as connection:
        connection.execute("update alembic_version set version_num = 'v9999'")
    with pytest.raises(StoreTooNew, match="v9999"):
        Database(url)


def test_who_only_looks_waits_for_no_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    Database(url).close()
    writer = sqlite3.connect(tmp_path / "rules.db", isolation_level=None)
    writer.execute("begin immediate")
    Database(url, wait_seconds=0.1).close()
    writer.close()


def test_where_the_tables_are_there_nothing_is_read_to_upgrade_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    Database(url).close()
    program = f"import sys; from redirect_rules.stores.database import Database; Database({url!r}); print('alembic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
