"""Requests to stop (Ctrl-C, SIGTERM, a closed terminal), noticed at a moment that suits us."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType, TracebackType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(KeyboardInterrupt):
    """Somebody asked us to stop. A KeyboardInterrupt, because asyncio lets nothing else through at once."""


class StopSignals:
    """Counts requests while it is entered; main thread only."""

    def __init__(self) -> None:
        self.count = 0
        self._interruptible = False
        self._former: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> "StopSignals":
        # `nohup` ignores SIGHUP on purpose; a script's `&` ignores SIGINT by accident.
        wanted = [number for number in STOPPING if number != signal.SIGHUP or not is_ignored(number)]
        self._former = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._interruptible:
            # Once: the clean-up that follows must not be interrupted again.
            self._interruptible = False
            raise StopRequested

    def check(self) -> None:
        """Raises `StopRequested` when somebody asked."""
        if self.count:
            raise StopRequested

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Lets a request end the block wherever it stands."""
        self.check()
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False


def is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
