"""What processes have used: CPU seconds and memory, as the kernel counts them (Linux)."""

import os
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def own_cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu(pid: int) -> float:
    """Return the CPU seconds of a living process."""
    return sum(map(int, _stat(pid)[11:13])) / _TICKS


def family_cpu(server: int) -> float:
    """Return the CPU seconds of a process and its children, those that have ended included."""
    living = sum(cpu(pid) for pid in _children(server))
    return living + sum(map(int, _stat(server)[11:15])) / _TICKS


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def rss_mb(pid: int) -> float:
    """Return how much of a process is in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/pid/stat from the state on: parent is 1, own times 11 and 12, the children's after."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(server: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if parent(int(path.name)) == server:
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
