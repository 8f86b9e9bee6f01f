"""dev.py on a repository of its own, whose programs are shell scripts that note how they were called."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.embedded.conftest import ROOT, wait_until

PROGRAMS = ("ruff", "mypy", "lint-imports", "deptry", "python")


class Repository:
    """A copy of dev.py with a `.venv` and a `uv` of scripts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.venv = root / ".venv" / "bin"
        (root / "requirements").mkdir(parents=True)
        (root / "requirements" / "dev.lock").write_text("package==1\n")
        (root / "pyproject.toml").write_text("")
        shutil.copy(ROOT / "dev.py", root)
        for name in PROGRAMS:
            self.script(self.venv / name, f'echo {name} "$@" >> {self.calls}')
        self.script(root / "path" / "uv", f'echo uv "$@" >> {self.calls}')

    def script(self, path: Path, body: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def module(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("dev_copy", self.root / "dev.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def mark_installed(self) -> None:
        (self.root / ".venv" / ".drumtower-stamp").write_text(self.module().fingerprint())

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.root / "dev.py", *words],
            env={"PATH": f"{self.root / 'path'}:/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        with self.start(*words) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def installed(repository: Repository) -> Repository:
    repository.mark_installed()
    return repository


def test_without_a_command_it_says_which_there_are(repository: Repository) -> None:
    code, output = repository.run()
    assert (code, "dev.py up [--port N]" in output) == (0, True)
    assert repository.run("upp")[0] == 2


def test_the_tests_get_the_arguments_and_give_their_exit_code(installed: Repository) -> None:
    installed.script(installed.venv / "python", f'echo python "$@" >> {installed.calls}; exit 5')
    installed.mark_installed()
    code, output = installed.run("test", "-k", "某 thing", "--lf")
    assert code == 5
    assert installed.called() == ["python -m pytest -k 某 thing --lf"]
    assert "test: FAILED (exit 5) in" in output


def test_check_runs_every_gate_and_reports_all_failures(installed: Repository) -> None:
    installed.script(installed.venv / "ruff", f'echo ruff "$@" >> {installed.calls}; test "$1" = check')
    installed.script(installed.venv / "deptry", f'echo deptry "$@" >> {installed.calls}; exit 3')
    code, output = installed.run("check")
    assert code == 1
    assert installed.called() == [
        "ruff format --check .",
        "ruff check .",
        "mypy",
        "lint-imports",
        "deptry .",
        "python -m drumtower.cli db check",
        "python -m drumtower.cli openapi --check",
    ]
    assert "2 of 7 gates failed: format, dependencies" in output


def test_check_adds_the_tests_only_when_asked(installed: Repository) -> None:
    assert installed.run("check", "--tests")[0] == 0
    assert installed.called()[-1] == "python -m pytest"


def test_up_becomes_the_command(installed: Repository) -> None:
    installed.script(installed.venv / "python", f'echo $$ "$@" >> {installed.calls}')
    installed.mark_installed()
    with installed.start("up", "--port", "8123") as process:
        assert process.wait(30) == 0
    assert installed.called() == [f"{process.pid} -m drumtower.cli up --port 8123"]


def test_a_request_to_stop_reaches_the_command(installed: Repository) -> None:
    body = f"trap 'exit 7' TERM; echo started >> {installed.calls}; while :; do sleep 0.05; done"
    installed.script(installed.venv / "python", body)
    installed.mark_installed()
    with installed.start("demo") as process:
        wait_until(lambda: installed.called() == ["started"], 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7


def test_a_changed_lock_is_installed_once_into_the_same_environment(repository: Repository) -> None:
    assert repository.run("fmt")[0] == 0
    assert repository.run("fmt")[0] == 0
    syncs = [line for line in repository.called() if line.startswith("uv ")]
    target = f"--quiet --python {repository.venv / 'python'}"
    assert syncs == [
        f"uv pip sync {target} --require-hashes {repository.root / 'requirements' / 'dev.lock'}",
        f"uv pip install {target} --no-deps --no-build-isolation --editable {repository.root}",
    ]


def test_what_a_killed_installation_left_is_not_trusted(repository: Repository) -> None:
    (repository.root / ".bootstrap").mkdir()
    (repository.root / ".bootstrap" / "unfinished").touch()
    assert repository.run("fmt")[0] == 0
    assert (
        f"uv venv --quiet --clear --python {sys.executable} {repository.root / '.venv'}"
        in repository.called()
    )
    assert os.listdir(repository.root / ".bootstrap") == ["lock"]


def test_an_installation_that_fails_says_so_and_is_tried_again(repository: Repository) -> None:
    repository.script(repository.root / "path" / "uv", "exit 2")
    repository.script(repository.venv / "python", 'case "$*" in *--require-hashes*) exit 4;; esac')
    code, output = repository.run("fmt")
    assert code == 1
    assert "Failed (exit 2): uv pip sync" in output.replace(str(repository.root / "path") + "/", "")
    assert "Nothing could be installed." in output
    assert not (repository.root / ".venv" / ".drumtower-stamp").exists()
