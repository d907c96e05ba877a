"""What was used lately is kept, and never more than fits."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.generations import Doorkeeper, Generations


def made(entries: int = 10, octets: int = 1_000) -> Generations[str, str]:
    return Generations(entries=entries, octets=octets, weight=lambda key, value: len(key) + len(value))


def test_what_is_kept_is_found() -> None:
    kept = made()
    kept.put("a", "1")
    assert kept.get("a") == "1"
    assert kept.get("b") is None
    kept.put("a", "2")
    assert kept.get("a") == "2"
    assert len(kept) == 1


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    kept = made(entries=10)
    kept.put("used", "1")
    kept.put("not", "1")
    for number in range(100):
        assert kept.get("used") == "1"
        kept.put(str(number), "x")
    assert kept.get("not") is None
    assert kept.get("99") == "x"


def test_what_is_too_heavy_is_not_kept_and_drives_nothing_out() -> None:
    kept = made(octets=100)
    kept.put("a", "1")
    kept.put("b", "x" * 100)
    assert kept.get("b") is None
    assert kept.get("a") == "1"


def test_everything_can_be_forgotten() -> None:
    kept = made()
    for number in range(30):
        kept.put(str(number), "x")
    kept.clear()
    assert len(kept) == 0
    assert kept.get("29") is None


STEPS = st.lists(st.tuples(st.sampled_from("pg"), st.integers(0, 30), st.integers(0, 60)), max_size=200)


@given(steps=STEPS, entries=st.integers(2, 20), octets=st.integers(2, 200))
def test_it_never_holds_more_than_it_may_and_never_tells_an_old_value(
    steps: list[tuple[str, int, int]], entries: int, octets: int
) -> None:
    kept = made(entries, octets)
    truth: dict[str, str] = {}
    for step, number, length in steps:
        key = str(number)
        if step == "p":
            before = truth.get(key)
            truth[key] = "x" * (length + 1)
            kept.put(key, truth[key])
            if len(key) + length + 1 > octets // 2 and before is not None:
                truth[key] = before  # too heavy: what was kept before may still be
        else:
            assert kept.get(key) in {None, truth.get(key)}
        held = {**kept._old, **kept._young}
        assert len(held) <= max(entries, 2)
        assert sum(len(key) + len(value) for key, value in held.items()) <= octets


def test_a_doorkeeper_knows_whoever_comes_again() -> None:
    doorkeeper = Doorkeeper()
    assert [doorkeeper.knows(name) for name in ("a", "b", "a", "a", "b")] == [False, False, True, True, True]
    doorkeeper.clear()
    assert not doorkeeper.knows("a")


def test_a_doorkeeper_takes_few_for_others_however_many_come() -> None:
    doorkeeper = Doorkeeper()
    mistaken = sum(doorkeeper.knows(("audience", f"/{number}")) for number in range(300_000))
    assert 0 < mistaken < 75_000
