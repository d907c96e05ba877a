"""The table of answers: whole, in order, and true to what holds in every row.

Cell by cell it stands in tests/proxy/test_answers_over_http.py; here is what no cell may break.
"""

import pytest

from redirect_rules import answers
from redirect_rules.answers import TABLE, Answer, Asker, Situation, answer_for, asker, outcome_of, reads_pages
from redirect_rules.model import Action, ClientClass

CELLS = [(row, situation, answer_for(row, situation)) for row in Asker for situation in Situation]

# client                    GET, HEAD           POST, PUT, PATCH, DELETE    why
ROWS = [
    (ClientClass.NAVIGATION,  Asker.NAVIGATION,   Asker.FORM,     "a person, who typed something"),
    (ClientClass.FRAME,       Asker.FRAME,        Asker.FORM,     "a person in a frame, who typed something"),
    (ClientClass.DOWNLOAD,    Asker.DOWNLOAD,     Asker.FORM,     "a person, who typed something to get a file"),
    (ClientClass.XHR,         Asker.PROGRAM,      Asker.PROGRAM,  "a script"),
    (ClientClass.API,         Asker.PROGRAM,      Asker.PROGRAM,  "a program"),
    (ClientClass.HTMX,        Asker.HTMX,         Asker.PROGRAM,  "a script that can be steered only where nothing was sent"),
    (ClientClass.BOT,         Asker.CRAWLER,      Asker.PROGRAM,  "a program"),
    (ClientClass.CLI,         Asker.CRAWLER,      Asker.PROGRAM,  "a program"),
    (ClientClass.ASSET,       Asker.ASSET,        Asker.PROGRAM,  "nobody reads it"),
    (ClientClass.WEBSOCKET,   Asker.WEBSOCKET,    Asker.PROGRAM,  "a handshake is a GET"),
    (ClientClass.EVENTSOURCE, Asker.EVENTSOURCE,  Asker.PROGRAM,  "a stream is a GET"),
    (ClientClass.PREFETCH,    Asker.PREFETCH,     Asker.PROGRAM,  "ahead of time nothing is sent"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "reads", "sends", "why"), ROWS)
def test_a_row_is_chosen_by_who_asks_and_whether_something_was_sent(
    client: ClientClass, reads: Asker, sends: Asker, why: str
) -> None:
    assert {asker(client, method) for method in ("GET", "HEAD")} == {reads}
    assert {asker(client, method) for method in ("POST", "PUT", "PATCH", "DELETE")} == {sends}
    assert asker(client, "OPTIONS") is Asker.PREFLIGHT


def test_every_client_class_has_its_row() -> None:
    assert {client for client, *_ in ROWS} == set(ClientClass)
    assert set(TABLE) == set(Asker)
    assert {len(cells) for cells in TABLE.values()} == {len(Situation)}


# answer                              outcome           why
OUTCOMES = [
    (answers.ShowNotice(),            Action.NOTICE,    "the page"),
    (answers.ShowNotice(ask=True),    Action.ASK,       "the page with a question"),
    (answers.SteerHtmx(to_notice=True), Action.NOTICE,  "on the way to the page"),
    (answers.ShowFramed(),            Action.NOTICE,    "a small page"),
    (answers.SendAway(lasting=None),  Action.REDIRECT,  "sent on"),
    (answers.SendAway(lasting=True),  Action.REDIRECT,  "sent on"),
    (answers.Forward(),               Action.PASS,      "let through"),
    (answers.RefuseVisit(),           Action.REFUSE,    "refused"),
    (answers.SayGonePage(),           Action.GONE,      "gone"),
    (answers.SayNotSent(),            Action.GONE,      "gone, and nothing was sent"),
    (answers.SayProblem(410),         Action.GONE,      "gone, for programs"),
    (answers.SayUnknown(),            Action.GONE,      "not here"),
    (answers.EndStream(),             Action.GONE,      "over"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "outcome", "why"), OUTCOMES)
def test_what_became_of_a_visit_is_one_of_six_words(answer: Answer, outcome: Action, why: str) -> None:
    assert outcome_of(answer) is outcome


@pytest.mark.parametrize(("row", "situation", "answer"), CELLS)
def test_nobody_is_let_through_where_a_path_is_closed(row: Asker, situation: Situation, answer: Answer) -> None:
    assert outcome_of(answer) not in {Action.PASS, Action.REFUSE}


@pytest.mark.parametrize(("row", "situation", "answer"), CELLS)
def test_where_nothing_is_left_or_known_nobody_is_redirected(row: Asker, situation: Situation, answer: Answer) -> None:
    if situation in {Situation.RETIRED, Situation.UNMAPPED}:
        assert not isinstance(answer, answers.SendAway)


@pytest.mark.parametrize("situation", Situation)
def test_what_was_typed_is_never_sent_anywhere(situation: Situation) -> None:
    assert answer_for(Asker.FORM, situation) == answers.SayNotSent()


@pytest.mark.parametrize("row", [Asker.ASSET, Asker.WEBSOCKET, Asker.EVENTSOURCE, Asker.PREFETCH, Asker.PREFLIGHT])
def test_who_reads_no_page_is_answered_the_same_in_every_phase(row: Asker) -> None:
    assert len({answer_for(row, situation) for situation in Situation}) == 1


def test_a_person_is_sent_on_without_a_page_only_where_the_portal_says_so() -> None:
    direct = [s for s in Situation if isinstance(answer_for(Asker.NAVIGATION, s), answers.SendAway)]
    assert direct == [Situation.DIRECT]


def test_pages_are_what_people_crawlers_and_prefetches_open() -> None:
    assert {row for row in Asker if reads_pages(row)} == {Asker.NAVIGATION, Asker.CRAWLER, Asker.PREFETCH}
