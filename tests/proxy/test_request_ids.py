"""What people read out over the telephone."""

import re

from proxy.request_ids import octets_of, speakable_id, speakable_octets


def test_an_id_can_be_read_out_over_the_telephone() -> None:
    ids = {speakable_id() for _ in range(3_000)}
    assert len(ids) == 3_000
    assert all(re.fullmatch(r"[2-9a-hjkmnp-z]{4}(?:-[2-9a-hjkmnp-z]{4}){2}", one) for one in ids)
    assert not set("".join(ids)) & set("01ilo")


def test_ids_are_sent_as_they_are_spoken() -> None:
    assert octets_of(speakable_id) is speakable_octets
    assert octets_of(lambda: "abc")() == b"abc"
    assert len({speakable_id().encode(), speakable_octets(), speakable_id().encode()}) == 3
