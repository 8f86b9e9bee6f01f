"""Forks schedulers from a process that has imported them already: a start costs milliseconds, not seconds.

Reads one JSON object a line, `{"id", "env", "log"}`, and starts a scheduler for each; prints `{"id", "pid"}` at its
start and `{"id", "pid", "code"}` at its end (negative: the signal). When its standard input ends, all of them do.
"""

import ctypes
import gc
import json
import os
import random
import selectors
import signal
import sys
import traceback
from typing import Any, NoReturn

from tests.faults import worker

PR_SET_PDEATHSIG = 1


class Nursery:
    """The children that live, by pid."""

    def __init__(self) -> None:
        self._children: dict[int, str] = {}
        self._rest = b""

    def run(self) -> None:
        """Serve until the input ends."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake)
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == woken:
                        os.read(woken, 512)
                        self._bury()
                    elif not self._listen():
                        return

    def _listen(self) -> bool:
        given = os.read(sys.stdin.fileno(), 1 << 16)
        *lines, self._rest = (self._rest + given).split(b"\n")
        for line in lines:
            self._start(json.loads(line))
        return bool(given)

    def _start(self, wanted: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            become(wanted)
        self._children[pid] = wanted["id"]
        say(id=wanted["id"], pid=pid)

    def _bury(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                say(id=self._children.pop(pid), pid=pid, code=os.waitstatus_to_exitcode(status))


def say(**event: object) -> None:
    sys.stdout.write(f"{json.dumps(event)}\n")
    sys.stdout.flush()


def become(wanted: dict[str, Any]) -> NoReturn:
    """Run a scheduler in this process, which ends with it."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for standard in (1, 2):
            os.dup2(log, standard)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(wanted["env"])  # noqa: TID251 - what the child's settings are read from
        random.seed()  # else all children would draw the same jitter
        worker.main()
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    gc.freeze()  # shared pages stay shared
    Nursery().run()
