"""What people read out over the telephone."""

import re

from proxy.request_ids import speakable_id


def test_an_id_can_be_read_out_over_the_telephone() -> None:
    ids = {speakable_id() for _ in range(3_000)}
    assert len(ids) == 3_000
    assert all(re.fullmatch(r"[2-9a-hjkmnp-z]{4}(?:-[2-9a-hjkmnp-z]{4}){2}", one) for one in ids)
    assert not set("".join(ids)) & set("01ilo")
