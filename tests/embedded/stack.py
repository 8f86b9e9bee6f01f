"""A whole instance in its own process: `stack.py <state> [child...]`; prints a JSON line for each event."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from drumtower.embedded.errors import CannotStart
from drumtower.embedded.instance import instance_lock
from drumtower.embedded.layout import layout_at
from drumtower.embedded.postgres import database_url
from drumtower.embedded.processes import Child
from drumtower.embedded.servers import server_children
from drumtower.embedded.supervisor import Supervisor

SLEEPER = "import time; time.sleep(600)"
# Ignores the gentle request, as a program does that still finishes its work.
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("refusing", flush=True)
time.sleep(600)
"""
# Prints its child's pid to its log.
GRANDPARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""
CRASHER = "import sys; print('the reason why'); sys.exit(3)"
CODE = {"stubborn": STUBBORN, "crasher": CRASHER, "flapping": CRASHER, "grandparent": GRANDPARENT}


def emit(**event: object) -> None:
    sys.stdout.write(f"{json.dumps(event)}\n")
    sys.stdout.flush()


def python_child(name: str) -> Child:
    never = (lambda: False) if name == "crasher" else None
    return Child(name=name, argv=[sys.executable, "-c", CODE.get(name, SLEEPER)], ready=never)


def run_stack(state: Path, names: list[str], say: Callable[[str], None]) -> None:
    layout = layout_at(state)
    with instance_lock(layout), Supervisor(layout, say) as supervisor:
        servers = server_children(layout) if "servers" in names else ()
        supervisor.start(*servers)
        supervisor.start(*(python_child(name) for name in names if name != "servers"))
        emit(
            up=supervisor.pids,
            database=database_url(layout),
            run=str(layout.run),
            data=str(layout.postgres_data),
        )
        supervisor.watch()


def main(state: str, *names: str) -> int:
    try:
        run_stack(Path(state), list(names), lambda line: emit(say=line))
    except CannotStart as refusal:
        emit(refused=str(refusal))
        return 1
    emit(stopped=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
