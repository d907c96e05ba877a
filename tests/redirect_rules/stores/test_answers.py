"""An answer under an Idempotency-Key is kept for a day, for one person, and unreadable in the database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from redirect_rules.stores.answers import HOLDS, Answered, SqlAnswers
from redirect_rules.stores.database import Database
from tests.conftest import AUTUMN
from tests.redirect_rules.seals import SEAL

FIRST = Answered("an", "key-1", "digest of the request", AUTUMN, 200, '{"token":"dvc_secret"}')


@pytest.fixture
def answers(url: str) -> Iterator[SqlAnswers]:
    with closing(Database(url)) as database:
        yield SqlAnswers(database, SEAL)


def test_the_first_answer_is_the_one_that_stays(answers: SqlAnswers) -> None:
    assert answers.kept("an", "key-1", now=AUTUMN) is None
    assert answers.keep(FIRST)
    assert not answers.keep(replace(FIRST, body="another"))
    assert answers.kept("an", "key-1", now=AUTUMN) == FIRST


def test_a_key_is_of_one_person(answers: SqlAnswers) -> None:
    answers.keep(FIRST)
    assert answers.kept("binh", "key-1", now=AUTUMN) is None


def test_after_a_day_it_is_forgotten_and_its_row_gone(answers: SqlAnswers, url: str) -> None:
    answers.keep(FIRST)
    assert answers.kept("an", "key-1", now=AUTUMN + HOLDS - timedelta(seconds=1)) == FIRST
    assert answers.kept("an", "key-1", now=AUTUMN + HOLDS) is None
    answers.keep(replace(FIRST, key="key-2", at=AUTUMN + HOLDS))
    with closing(Database(url)) as database, database.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from answers").scalar_one() == 1


def test_neither_the_key_nor_the_answer_can_be_read_in_the_database(answers: SqlAnswers, url: str) -> None:
    answers.keep(FIRST)
    with closing(Database(url)) as database, database.reading() as connection:
        row = connection.exec_driver_sql("select key, body from answers").one()
    assert "key-1" not in repr(row)
    assert "dvc_secret" not in repr(row)


def test_of_ten_processes_that_answer_the_same_one_is_kept(answers: SqlAnswers) -> None:
    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(lambda number: answers.keep(replace(FIRST, body=str(number))), range(10))) == 1
