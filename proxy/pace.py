"""Whether what is sent comes fast enough: a purse of seconds, filled by octets and emptied by time.

An average over the whole would let a sender that began fast stop for hours; so the purse holds only so much.
"""


class Pace:
    """The pace of one body.  `seconds`: of patience; `rate`: octets a second, 0: any pace will do."""

    __slots__ = ("_left", "_rate", "_seconds", "_since")

    def __init__(self, *, seconds: float, rate: int, now: float) -> None:
        self._seconds = seconds
        self._rate = rate
        self._left = float(seconds)
        self._since = now

    def holds(self, octets: int, now: float, *, waited_for: bool = True) -> bool:
        """Whether it is kept, `octets` having come since the last question.

        waited_for  whether the sender could send: where we ourselves had stopped reading, time costs nothing
        """
        if waited_for:
            self._left -= now - self._since
        self._since = now
        if octets:
            # Without a rate, any octet is as good as patience anew.
            self._left = min(self._seconds, self._left + (octets / self._rate if self._rate else self._seconds))
        return self._left > 0


def head_seconds(octets: int, *, seconds: float, rate: int) -> float:
    """How long a head of which so many octets have come may take in all: a long one a little longer."""
    return seconds + (octets / rate if rate else 0)
