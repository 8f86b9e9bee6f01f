"""How long a piece of work takes and what it costs, as a JSON line and a row of a table beside a baseline."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from bench.processes import family_cpu, load, own_cpu

Work = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One kind of work, done `times` times one after another; milliseconds.

    `cpu`: this process's share of one and `cpu_p99` the same in 99 of 100, `db_cpu`: PostgreSQL's; other work on the machine
    blurs these least. `target`: of p99.
    """

    what: str
    times: int
    p50: float
    p99: float
    longest: float
    cpu: float
    cpu_p99: float
    db_cpu: float
    load: float
    target: float | None = None


async def timed(
    what: str, times: int, work: Work, server: int | None = None, target: float | None = None
) -> Timed:
    """Do it `times` times; `server` is PostgreSQL's process. The numbers that `work` gets go on from run to run."""
    for number in range(min(5, times)):
        await work(-1 - number)  # caches are as warm as in a process that lives
    cpu, db_cpu = own_cpu(), family_cpu(server) if server else 0.0
    both = [await _once(work, number) for number in range(times)]
    taken, spent = sorted(one[0] for one in both), sorted(one[1] for one in both)
    return Timed(
        what=what,
        times=times,
        p50=round(taken[times // 2], 2),
        p99=round(_p99(taken), 2),
        cpu_p99=round(_p99(spent), 2),
        longest=round(taken[-1], 2),
        cpu=round((own_cpu() - cpu) * 1000 / times, 2),
        db_cpu=round((family_cpu(server) - db_cpu) * 1000 / times, 2) if server else 0.0,
        load=round(load(), 1),
        target=target,
    )


async def _once(work: Work, number: int) -> tuple[float, float]:
    await asyncio.sleep(0)  # what never waits would hold the loop for the whole run
    began, cpu = time.perf_counter(), time.process_time()
    await work(number)
    return (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000


def _p99(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def show(found: Sequence[Timed], baseline: str) -> None:
    """Print every one as a JSON line, and the table with each p50 and CPU by those of the baseline."""
    for one in found:
        print(json.dumps(asdict(one), ensure_ascii=False), flush=True)
    [base] = [one for one in found if one.what == baseline]
    table = Table(title=f"Milliseconds, and by {baseline}", title_justify="left")
    for name in (
        "what",
        "times",
        "p50",
        "p99",
        "target",
        "CPU",
        "CPU p99",
        "PostgreSQL",
        "p50 by",
        "CPU by",
        "load",
    ):
        table.add_column(name, justify="left" if name == "what" else "right")
    for one in found:
        all_cpu, base_cpu = one.cpu + one.db_cpu, base.cpu + base.db_cpu
        by = (f"{one.p50 / base.p50:.1f}", f"{all_cpu / base_cpu:.1f}")
        target = "" if one.target is None else f"{one.target:g}"
        table.add_row(
            one.what, str(one.times), str(one.p50), str(one.p99), target, str(one.cpu), str(one.cpu_p99), str(one.db_cpu), *by,
            str(one.load),
        )  # fmt: skip
    Console(width=140).print(table)
