"""The two-command bootstrap: `dev.py up` and `dev.py test`, with Python 3.11 and pip and nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

USAGE = """\
python3 dev.py up [--port N]   install what is missing, start everything, say where it is; Ctrl-C stops it
python3 dev.py test [...]      run the tests; arguments go to pytest (-m long: those that start and kill whole processes)
python3 dev.py check [--tests] run every gate, and the tests too if asked; reports all failures at the end
python3 dev.py demo [...]      run the demonstration
python3 dev.py faults [...]    run the fault suite
python3 dev.py lock [...]      bring requirements/dev.lock in line with pyproject.toml; also --upgrade
python3 dev.py fmt             format and repair the code
"""
OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
STAMP = VENV / ".drumtower-stamp"
LOCK = ROOT / "requirements" / "dev.lock"
PROJECT = ROOT / "pyproject.toml"
BOOTSTRAP = ROOT / ".bootstrap"
# Exists while packages are being written: what a killed installation leaves may look whole and is not.
UNFINISHED = BOOTSTRAP / "unfinished"
UV = "uv>=0.8,<1"
NO_INSTALLER = (
    "Nothing could be installed. It takes a package index and one of: uv, pip, venv with ensurepip "
    "(on Debian or Ubuntu: apt install python3-pip python3-venv)."
)
GATES: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "dependencies": ["deptry", "."],
    "migrations": ["python", "-m", "drumtower.cli", "db", "check"],
    "openapi": ["python", "-m", "drumtower.cli", "openapi", "--check"],
}
TESTS = ["python", "-m", "pytest"]
PR_SET_PDEATHSIG = 1


def main(words: Sequence[str]) -> int:
    """Runs one command and returns its exit code; `up` becomes the command instead."""
    command, rest = (words[0], list(words[1:])) if words else ("help", [])
    if command == "lock":
        return compile_lock(rest)
    if command not in ("up", "test", "check", "demo", "faults", "fmt"):
        sys.stdout.write(USAGE)
        return 0 if command in ("help", "-h", "--help") else 2
    install()
    if command == "up":
        become(["python", "-m", "drumtower.cli", "up", *rest])
    if command == "check":
        return check(rest)
    if command == "fmt":
        return max(run(["ruff", "format", "."]), run(["ruff", "check", "--fix", "."]))
    return timed(
        command, [*TESTS, *rest] if command == "test" else ["python", "-m", "drumtower.cli", command, *rest]
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- running


def environment() -> dict[str, str]:
    """Ours, without what would lead the virtual environment's Python to other packages or keep it from its bytecode.

    Every process that compiles all it imports anew starts seconds later: a worker of the tests in 19 s, not in 3.
    """
    ours = dict(os.environ)  # noqa: TID251 - there are no settings before there is an environment
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        ours.pop(name, None)
    path = f"{BIN}{os.pathsep}{ours.get('PATH', os.defpath)}"
    return {**ours, "VIRTUAL_ENV": str(VENV), "PATH": path}


def become(command: list[str]) -> None:
    """Replaces this process, so that signals reach the command and none is left between."""
    os.chdir(ROOT)
    os.execve(BIN / command[0], [str(BIN / command[0]), *command[1:]], environment())


def run(command: list[str]) -> int:
    """Runs a program of the virtual environment to its end, and passes SIGTERM on to it."""
    with subprocess.Popen(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, env=environment(), preexec_fn=die_with_parent
    ) as child:
        # The terminal sends Ctrl-C to the child as well: it decides, we wait.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
        return child.wait()


def die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def timed(name: str, command: list[str]) -> int:
    """Runs a command and says how it went and how long it took."""
    began = time.monotonic()
    code = run(command)
    say(f"{name}: {'passed' if code == 0 else f'FAILED (exit {code})'} in {time.monotonic() - began:.1f} s")
    return code


def check(words: Sequence[str]) -> int:
    """Runs all gates, also after one failed."""
    gates = {**GATES, "tests": TESTS} if "--tests" in words else GATES
    failed = [name for name, command in gates.items() if timed(name, command)]
    say(
        f"{len(failed)} of {len(gates)} gates failed: {', '.join(failed)}"
        if failed
        else f"All {len(gates)} gates passed."
    )
    return 1 if failed else 0


# --- installing


def install() -> None:
    """Brings `.venv` to what the lock says; returns at once when it is."""
    if is_installed():
        return
    began = time.monotonic()
    with alone():
        if is_installed():
            return
        say("Installing into .venv ...")
        fill(find_uv())
        STAMP.write_text(fingerprint())
    say(f"Installed in {time.monotonic() - began:.1f} s.")


def fingerprint() -> str:
    """What the environment depends on: the lock, the project, its place, and the very interpreter."""
    place = f"{ROOT}\n{os.path.realpath(PYTHON)}\n".encode()
    return hashlib.sha256(place + LOCK.read_bytes() + PROJECT.read_bytes()).hexdigest()


def is_installed() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Waits while another dev.py installs; the kernel lets go of the lock whatever happens to it."""
    import fcntl  # noqa: PLC0415 - absent on Windows, where `supported` ends us with a word of explanation

    BOOTSTRAP.mkdir(exist_ok=True)
    with (BOOTSTRAP / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another dev.py that is installing ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fill(uv: str | None) -> None:
    """Installs with uv, and with pip when there is no uv or it fails (another index, an old version)."""
    is_whole = not UNFINISHED.exists()
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    fillers: list[Callable[[bool], None]] = (
        [functools.partial(fill_with_uv, uv), fill_with_pip] if uv else [fill_with_pip]
    )
    for fill_by in fillers:
        try:
            fill_by(is_whole and is_usable())
        except subprocess.CalledProcessError as failure:
            say(f"Failed (exit {failure.returncode}): {' '.join(map(str, failure.cmd[:6]))} ...")
            continue
        UNFINISHED.unlink()
        return
    sys.exit(NO_INSTALLER)


def fill_with_uv(uv: str, usable: bool) -> None:
    if not usable:
        call([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    pip, target = [uv, "pip"], ["--quiet", "--python", str(PYTHON)]
    call([*pip, "sync", *target, "--require-hashes", str(LOCK)])
    call([*pip, "install", *target, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def fill_with_pip(usable: bool) -> None:
    if not usable or subprocess.call([PYTHON, "-m", "pip", "--version"], stdout=subprocess.DEVNULL, cwd=ROOT):
        call([sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    call([*pip, "--require-hashes", "--requirement", str(LOCK)])
    call([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def is_usable() -> bool:
    """Whether `.venv` has a Python that runs, is new enough, and believes to live there."""
    if not PYTHON.exists():
        return False
    ask = f"import sys; sys.exit(sys.version_info < {OLDEST} or sys.prefix != {str(VENV)!r})"
    return subprocess.call([PYTHON, "-c", ask], stderr=subprocess.DEVNULL, cwd=ROOT, env=environment()) == 0


def find_uv() -> str | None:
    """uv from the PATH, or our own below .bootstrap, where pip may write even on a managed system."""
    ours = BOOTSTRAP / "bin" / "uv"
    found = shutil.which("uv") or (str(ours) if works(ours) else None)
    if found:
        return found
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--upgrade", "--root-user-action=ignore", "--target", str(BOOTSTRAP)]
    with contextlib.suppress(subprocess.CalledProcessError):
        call([*pip, *options, UV])
    return str(ours) if works(ours) else None


def works(program: Path) -> bool:
    return program.exists() and subprocess.call([program, "--version"], stdout=subprocess.DEVNULL) == 0


def call(command: list[str]) -> None:
    """Raises `CalledProcessError` when the command fails."""
    subprocess.run(command, cwd=ROOT, env={**uv_settings(), **environment()}, check=True)


@functools.lru_cache
def uv_settings() -> dict[str, str]:
    """The package index and the certificates that this machine uses: uv reads neither from where pip does."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    settings = dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    index = (
        settings.get(":env:.index-url") or settings.get("global.index-url") or settings.get("site.index-url")
    )
    paths = ssl.get_default_verify_paths()
    has_certificates = bool(paths.cafile or (paths.capath and os.listdir(paths.capath)))
    return {
        "UV_PYTHON_DOWNLOADS": "never",
        # A company's own authority is in the system's store, which a small image may lack.
        **({"UV_SYSTEM_CERTS": "1"} if has_certificates else {}),
        **({"UV_DEFAULT_INDEX": index.strip("'\"")} if index else {}),
    }


def compile_lock(words: Sequence[str]) -> int:
    """Resolves for every platform, and refuses a lock that names a package index."""
    uv = find_uv()
    if uv is None:
        sys.exit("Making a lock needs uv: https://docs.astral.sh/uv")
    resolve = ["--universal", "--python-version", "3.11", "--extra", "embedded", "--extra", "dev", *words]
    output = ["--generate-hashes", "--no-annotate", "--no-header", "--quiet", "--output-file", str(LOCK)]
    call([uv, "pip", "compile", *resolve, *output, str(PROJECT)])
    addresses = [line for line in LOCK.read_text().splitlines() if "://" in line]
    say(
        "\n".join(["The lock names addresses, which bind it to one index:", *addresses])
        if addresses
        else "Locked."
    )
    return 1 if addresses else 0


def supported() -> None:
    """Ends us with a word of explanation where we cannot work."""
    if sys.platform == "win32":
        sys.exit("Drumtower runs on Linux and macOS; on Windows use WSL2.")
    if sys.version_info >= OLDEST:
        return
    newer = next((path for minor in (14, 13, 12, 11) if (path := shutil.which(f"python3.{minor}"))), None)
    if newer is None:
        sys.exit(f"Drumtower needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    os.execv(newer, [newer, *sys.argv])


if __name__ == "__main__":
    supported()
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
