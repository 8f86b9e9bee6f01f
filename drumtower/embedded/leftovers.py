"""Finds and ends children that outlived an earlier instance (macOS has no parent-death signal)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TERM_SECONDS = 5.0
POLL_SECONDS = 0.02
# Titles and interpreters change argv[0]; what follows it says whether the process is ours.
FIRST_ARGUMENT = 1


def record(pid_file: Path, pid: int, argv: Sequence[str]) -> None:
    """Remembers a child, with its arguments, so that a reused pid is not taken for it."""
    pid_file.write_text(json.dumps({"pid": pid, "argv": list(argv)}))


def stop(pid_file: Path) -> None:
    """Ends the recorded child if it still runs: SIGTERM, then SIGKILL."""
    pid = recorded_pid(pid_file)
    if pid is not None:
        end(pid)
    pid_file.unlink(missing_ok=True)


def recorded_pid(pid_file: Path) -> int | None:
    """The recorded pid, if that process lives and runs the recorded arguments."""
    try:
        found = json.loads(pid_file.read_text())
        pid, expected = int(found["pid"]), " ".join(found["argv"][FIRST_ARGUMENT:])
    except (FileNotFoundError, ValueError, KeyError):
        # Absent, or cut short by a power cut: nothing we could trust enough to send a signal.
        return None
    return pid if command_of(pid).endswith(expected) and expected else None


def end(pid: int) -> None:
    """SIGTERM, and SIGKILL to its process group when that is ignored; returns when the process is gone."""
    for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, TERM_SECONDS)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether the process still does anything: a zombie that nobody collects does not count."""
    return bool(command_of(pid))


def command_of(pid: int) -> str:
    """A process's command line, or nothing when it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .rstrip(b"\0")
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except (FileNotFoundError, ProcessLookupError):
            return ""
    asked = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def inside(directory: Path, program: str) -> list[int]:
    """Processes called `program` whose working directory is `directory`; Linux only, else none."""
    found = (entry for entry in Path("/proc").glob("[0-9]*") if is_inside(entry, directory, program))
    return [int(entry.name) for entry in found]


def is_inside(entry: Path, directory: Path, program: str) -> bool:
    try:
        return (entry / "comm").read_text().strip() == program and Path(
            os.readlink(entry / "cwd")
        ) == directory
    except OSError:
        # Gone meanwhile, or another user's: not ours either way.
        return False
