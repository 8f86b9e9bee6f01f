"""How long to wait before a dead child is started again."""

from dataclasses import dataclass

FIRST_SECONDS = 0.2
FACTOR = 2.0
LONGEST_SECONDS = 15.0
# A child that lived this long after it was ready was healthy: what killed it is news.
HEALTHY_SECONDS = 30.0


@dataclass(slots=True)
class Backoff:
    """Doubles from `first` to `longest`; a healthy life starts it over."""

    first: float = FIRST_SECONDS
    longest: float = LONGEST_SECONDS
    healthy: float = HEALTHY_SECONDS
    failures: int = 0

    def next_delay(self, lived: float) -> float:
        """Seconds to wait after a death; `lived` is how many seconds the child was ready, 0 if never."""
        if lived >= self.healthy:
            self.failures = 0
        delay = self.first * FACTOR ** min(self.failures, 30)
        self.failures += 1
        return min(delay, self.longest)
