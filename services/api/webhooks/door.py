"""How many webhooks are taken at once: past that, a quick "later" beats an answer that comes too late for everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drumtower.domain.errors import Unavailable

# Three for each connection to the database: enough to keep it busy, few enough to be through within a second.
MOST_AT_ONCE = 60


@dataclass(slots=True)
class Door:
    """Counts who is inside this process."""

    most: int = MOST_AT_ONCE
    inside: int = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Go in, or raise Unavailable where it is full."""
        if self.inside >= self.most:
            raise Unavailable("too_busy", "Too many webhooks at once; nothing was stored.", retry_after=1)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


DOOR = Door()
