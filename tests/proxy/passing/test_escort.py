"""What is said beside what passes: only where it is asked for, and never in anybody's name but ours."""

from proxy.passing.escort import Announcement, Escort
from proxy.passing.heads import ResponseHead

SAID = Announcement("2025-07-01T00:00:00+07:00", 'https://dichvucong.gov.vn/p?a="b\\', "/_edge/announcement")
ASKS = [(b"Content-Type", b"text/html; charset=utf-8"), (b"edge-announcement", b"Ask")]


def answer(fields: list[tuple[bytes, bytes]], status: int = 200) -> ResponseHead:
    return ResponseHead(1, status, b"OK", fields)


def test_an_announcement_is_a_dictionary_of_strings() -> None:
    (field,) = Escort(SAID).inbound()
    said = b'closes="2025-07-01T00:00:00+07:00", successor="https://dichvucong.gov.vn/p?a=\\"b\\\\", '
    assert field == (b"Edge-Announcement", said + b'dismiss="/_edge/announcement"')
    assert b"closes" not in Announcement("", "https://a", "/b").field()


def test_nothing_can_end_the_line() -> None:
    made = Announcement("", "https://a/\r\nSet-Cookie: x=y\x7f\u1eb7", "/b")
    assert made.field() == b'successor="https://a/Set-Cookie: x=y", dismiss="/b"'
    assert b"\r" not in made.timing()


def test_a_page_is_answered_that_asks() -> None:
    names = [name for name, _ in Escort(SAID).outbound(answer(ASKS))]
    assert names == [b"Edge-Announcement", b"Server-Timing"]
    quiet = [
        answer(ASKS[:1]),
        answer(ASKS, 404),
        answer(ASKS, 304),
        answer([(b"Content-Type", b"text/plain"), ASKS[1]]),
        answer([*ASKS, ASKS[1]]),
        answer([ASKS[0], (b"Edge-Announcement", b'successor="https://evil.example"')]),
    ]
    assert [Escort(SAID).outbound(head) for head in quiet] == [[]] * len(quiet)


def test_a_cookie_goes_along_and_no_cache_shares_it() -> None:
    told = Escort(cookie=b"_edge_pilot=7").outbound(answer([]))
    assert told == [(b"Set-Cookie", b"_edge_pilot=7"), (b"Cache-Control", b"private")]
    assert Escort(cookie=b"_edge_pilot=7").inbound() == []
