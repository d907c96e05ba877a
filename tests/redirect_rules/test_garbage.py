"""The garbage collector is kept away for a while, and left as it was."""

import gc

import pytest

from redirect_rules.garbage import uncollected


@pytest.mark.parametrize("collecting", [True, False])
def test_nothing_is_collected_until_the_block_ends(collecting: bool) -> None:  # noqa: FBT001 - a table's column
    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() is collecting
        with pytest.raises(ZeroDivisionError), uncollected():
            print(1 / 0)
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()
