"""Where state goes when root's servers run as nobody, and which directories are refused."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from drumtower.embedded import binaries, layout
from drumtower.embedded.layout import PERSISTENT, Layout, Owner, UnsafeStateDirectory, layout_at
from tests.embedded.conftest import remove_state

NOBODY = Owner(uid=65534, gid=65534)
# pytest's own directories above `tmp_path` are 0700, as root's home is.


def test_nobody_does_not_get_through_a_private_directory(tmp_path: Path) -> None:
    assert layout.can_enter(tmp_path, None)
    assert not layout.can_enter(tmp_path, NOBODY)
    assert layout.can_enter(Path("/usr/bin"), NOBODY)
    assert layout.can_enter(tmp_path, Owner(uid=os.geteuid(), gid=os.getegid()))


def test_servers_move_to_a_place_that_their_user_reaches(tmp_path: Path) -> None:
    moved = layout.server_directory(tmp_path / "state", NOBODY)
    assert moved.parent in PERSISTENT
    assert moved == layout.server_directory(tmp_path / "state", NOBODY)
    assert moved != layout.server_directory(tmp_path / "other", NOBODY)
    assert layout.server_directory(tmp_path / "state", None) == tmp_path / "state"


def test_servers_stay_where_they_were_when_the_way_to_them_opens(tmp_path: Path) -> None:
    moved = layout.server_directory(tmp_path, NOBODY)
    (tmp_path / layout.CLAIM).write_text(f"{moved}\n")
    assert layout.server_directory(tmp_path, None) == moved
    # A copied state directory carries the claim of the original, and must not get its data.
    (tmp_path / layout.CLAIM).write_text(f"{moved}-of-another\n")
    assert layout.server_directory(tmp_path, None) == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_root_in_a_private_home_changes_no_mode_above_its_state(tmp_path: Path) -> None:
    made = layout_at(tmp_path / "state")
    before = {path: path.stat().st_mode for path in tmp_path.parents}
    try:
        made.prepare()
        assert {path: path.stat().st_mode for path in tmp_path.parents} == before
        assert made.up_file == tmp_path / "state" / "up.json"
        assert made.run.stat().st_uid == NOBODY.uid
        assert stat.S_IMODE(made.run.stat().st_mode) == 0o700
        assert stat.S_IMODE(made.servers.stat().st_mode) == 0o711
    finally:
        remove_state(tmp_path / "state")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers live elsewhere")
def test_data_elsewhere_does_not_outlive_its_state_but_is_put_aside(tmp_path: Path) -> None:
    made = layout_at(tmp_path / "state")
    aside = made.servers.with_name(f"{made.servers.name}.old")
    try:
        made.prepare()
        (made.valkey_data / "kept").touch()
        made.prepare()
        assert (made.valkey_data / "kept").exists()

        shutil.rmtree(made.state)
        made.prepare()
        assert not (made.valkey_data / "kept").exists()
        assert (aside / "valkey" / "kept").exists()
    finally:
        remove_state(tmp_path / "state")
        shutil.rmtree(aside, ignore_errors=True)


def test_a_directory_that_somebody_else_could_swap_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeStateDirectory, match="or is a link"):
        layout.make_own(tmp_path / "state", 0o700)
    if os.geteuid() != 0:
        with pytest.raises(UnsafeStateDirectory):
            layout.make_own(PERSISTENT[1], 0o700)


def test_programs_out_of_reach_are_copied_with_their_libraries(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / binaries.POSTGRES_PACKAGE
    installed = binaries.package_directory(binaries.POSTGRES_PACKAGE)
    assert installed is not None
    package.parent.mkdir()
    package.symlink_to(installed)
    package.with_name(f"{package.name}.libs").symlink_to(installed.with_name(f"{package.name}.libs"))
    place = Layout(state=tmp_path, servers=tmp_path / "servers", run=tmp_path / "run", owner=NOBODY)

    psql = binaries.reachable(place, package, Path("pginstall", "bin", "psql"))

    assert psql.is_relative_to(place.binaries)
    assert psql.stat().st_mode & 0o005 == 0o005
    # psql is the one that needs the copied library.
    assert "psql (PostgreSQL) 18" in subprocess.check_output([psql, "--version"], text=True)
    assert binaries.reachable(place, package, Path("pginstall", "bin", "psql")) == psql


def test_a_missing_program_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        binaries.ServerProgramMissing, match=r"Install the `embedded` extra, or set DATABASE_URL"
    ):
        binaries.system_program("no-such-server")


def test_the_launcher_ends_an_orphan_before_it_becomes_the_program(tmp_path: Path) -> None:
    launch = Path(layout.__file__).with_name("launch.py")
    mark = tmp_path / "ran"
    # A parent pid that is not its parent's: what it finds when the parent died while it was being started.
    command = [sys.executable, "-I", "-S", str(launch), "9", "1", "-", "/usr/bin/touch", str(mark)]
    ended = subprocess.run(command, check=False)
    assert (ended.returncode, mark.exists()) == ((111, False) if sys.platform == "linux" else (0, True))
