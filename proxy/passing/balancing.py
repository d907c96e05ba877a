"""Which of several origins gets a request: each in proportion to its weight, evenly spread, the healthy ones first."""

from collections.abc import Callable, Sequence

from proxy.passing.policy import OriginServer


class Balancer:
    """Smooth weighted round robin: with weights 5, 1, 1 the order is a a b a c a a, never five at once."""

    def __init__(self, origins: Sequence[OriginServer]) -> None:
        self._credits = dict.fromkeys(origins, 0)

    def order(self, is_well: Callable[[OriginServer], bool]) -> list[OriginServer]:
        """The origins to try for one request, in turn.

        Those that are not well come last: when all are ill, one of them is better than none.
        """
        if len(self._credits) == 1:
            return list(self._credits)
        well = [origin for origin in self._credits if is_well(origin)]
        among = well or list(self._credits)
        for origin in among:
            self._credits[origin] += origin.weight
        first = max(among, key=self._credits.__getitem__)
        self._credits[first] -= sum(origin.weight for origin in among)
        rest = sorted((origin for origin in among if origin != first), key=self._credits.__getitem__, reverse=True)
        return [first, *rest, *(origin for origin in self._credits if origin not in among)]
