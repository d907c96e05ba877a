"""Databases as earlier releases made them."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from redirect_rules.stores.database import Database


def make_tables(url: str, revision: str) -> None:
    """Make the tables of an earlier release in an empty database."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "redirect_rules.stores:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def insert_rule(connection: Connection, id_: str, **columns: object) -> None:
    """Write a rule as the first release did, without its history."""
    values = {
        "scope": "portal:langson", "id": id_, "change": 1, "position": 0, "state": "on", "match": f"/{id_}",
        "key": f"/{id_}", "action": "notice", "destination": "home", "owner": "", "tags": "", "valid_from": None,
        "valid_until": None, "body": f'{{"action":"notice","exact":["/{id_}"],"id":"{id_}","to":["home"]}}',
    } | columns  # fmt: skip
    names = ", ".join(f'"{name}"' for name in values)
    held = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"insert into rules ({names}) values ({held})"), values)


def opened(url: str) -> Database:
    """The same, brought to what this release knows."""
    return Database(url)
