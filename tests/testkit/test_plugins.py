"""The plugin story: start an adapter from the template, build it, have it found, listed, checked and proved."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from typer.testing import CliRunner

from drumtower import cli
from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.domain.capabilities import Label
from drumtower.platforms import registry
from drumtower.platforms.declaration import problems_of
from drumtower.testkit.template import CannotMake, make

run = CliRunner().invoke


def python(*words: str, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "200"}  # noqa: TID251 - a child's
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A new adapter's directory, made by the command."""
    made = run(cli.app, ["adapters", "new", "kiosk", "--into", str(tmp_path)])
    assert made.exit_code == 0, made.output
    return tmp_path / "drumtower-kiosk"


@pytest.mark.long
def test_a_new_adapter_passes_the_conformance_suite(package: Path) -> None:
    text = "".join(path.read_text() for path in package.rglob("*") if path.is_file())
    assert "drumtower_notice" not in text
    assert "class KioskAdapter" in text
    proved = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", path=package, cwd=package)
    assert proved.returncode == 0, proved.stdout[-3000:]
    assert (
        "test_kiosk"
        in python("-m", "pytest", "--collect-only", "-q", "-n0", path=package, cwd=package).stdout
    )


@pytest.mark.long
def test_a_built_adapter_is_found_listed_and_checked(package: Path, tmp_path: Path) -> None:
    built = python("-m", "hatchling", "build", "-t", "wheel", path=package, cwd=package)
    assert built.returncode == 0, built.stderr
    (wheel,) = (package / "dist").glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    listed = python("-m", "drumtower.cli", "adapters", "list", path=installed, cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert {"kiosk", "weibo", "wechat", "bluesky"} <= {line.split()[0] for line in listed.stdout.splitlines()}
    checked = python("-m", "drumtower.cli", "adapters", "check", "kiosk", path=installed, cwd=tmp_path)
    assert (checked.returncode, checked.stdout.strip()) == (0, "kiosk: the declaration is whole.")


@pytest.mark.long
def test_a_broken_plugin_is_reported_and_stops_nothing(package: Path, tmp_path: Path) -> None:
    python("-m", "hatchling", "build", "-t", "wheel", path=package, cwd=package)
    (wheel,) = (package / "dist").glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    (installed / "drumtower_kiosk" / "adapter.py").write_text("import nothing_that_is_there\n")
    listed = python("-m", "drumtower.cli", "adapters", "list", path=installed, cwd=tmp_path)
    assert listed.returncode == 1
    assert "refused: ModuleNotFoundError" in listed.stdout
    assert {"weibo", "wechat", "bluesky"} <= {line.split()[0] for line in listed.stdout.splitlines() if line}
    checked = python("-m", "drumtower.cli", "adapters", "check", "kiosk", path=installed, cwd=tmp_path)
    assert checked.returncode == 1
    assert "refused: ModuleNotFoundError" in checked.stdout


class Odd(WeiboAdapter):
    """Contradicts itself in every way that can be seen without running it."""

    contract: ClassVar[int] = 7
    slug: ClassVar[str] = "Odd One"
    name: ClassVar[Label] = Label(zh_cn="", en="Odd")
    default_base_url: ClassVar[str] = "http://odd.example"
    hashtag: ClassVar[str] = "#"


def test_a_declaration_that_contradicts_itself() -> None:
    assert problems_of(WeiboAdapter) == []
    said = " | ".join(problems_of(Odd))
    for word in ("contract 7", "'Odd One'", "https", "hashtag", "both languages"):
        assert word in said


class _Point:
    """An entry point, as importlib gives it."""

    def __init__(self, name: str, loaded: Any) -> None:
        self.name, self.value, self._loaded = name, f"pkg:{name}", loaded

    def load(self) -> Any:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_each_way_a_plugin_can_be_broken() -> None:
    points = [
        _Point("weibo", WeiboAdapter),
        _Point("twin", WeiboAdapter),
        _Point("none", object()),
        _Point("boom", ValueError("bang")),
        _Point("old", type("Old", (WeiboAdapter,), {"slug": "old", "contract": 0})),
        _Point("bare", SimpleNamespace()),
    ]
    found = registry.load(cast("Any", points))
    assert list(found.adapters) == ["weibo"]
    assert found.refused.keys() == {"twin", "none", "boom", "old", "bare"}
    assert "bang" in found.refused["boom"]


@pytest.mark.parametrize("slug", ["", "A", "x", "../x", "a-b", "1a", "a" * 33, "鼓"])
def test_a_name_that_is_no_slug_makes_nothing(tmp_path: Path, slug: str) -> None:
    with pytest.raises(CannotMake):
        make(slug, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_overwritten(package: Path, tmp_path: Path) -> None:
    again = run(cli.app, ["adapters", "new", "kiosk", "--into", str(tmp_path)])
    assert again.exit_code == 1
    assert "there already" in again.output.replace("\n", " ")
