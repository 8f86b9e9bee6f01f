"""Where an instance keeps its state, and which user its servers run as."""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drumtower.embedded.errors import CannotStart

# sun_path holds 104 bytes on macOS (108 on Linux) with its closing zero; PostgreSQL's name is the longest.
SOCKET_PATH_BYTES = 103
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
UNKNOWN_NOBODY = 65534
# For root only. /var/tmp is second best: systems tidy away what lies there unused for a month.
PERSISTENT = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - see `require_owner`
# A file in the state directory that says where the servers' data is.
CLAIM = "servers"
SHORTEST = Path("/tmp")  # noqa: S108


class UnsafeStateDirectory(CannotStart):
    """A directory we would keep data in belongs to another user, or is a symbolic link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The unprivileged user that servers run as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paths of one instance. `owner` is None unless we are root; call `prepare` before use."""

    state: Path
    servers: Path
    run: Path
    owner: Owner | None

    @property
    def lock_file(self) -> Path:
        return self.state / "lock"

    @property
    def up_file(self) -> Path:
        return self.state / "up.json"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def pids(self) -> Path:
        return self.state / "pids"

    @property
    def postgres_data(self) -> Path:
        return self.servers / "pg"

    @property
    def valkey_data(self) -> Path:
        return self.servers / "valkey"

    @property
    def binaries(self) -> Path:
        return self.servers / "bin"

    @property
    def valkey_socket(self) -> Path:
        return self.run / VALKEY_SOCKET

    def prepare_state(self) -> None:
        """Creates the state directory alone, where the lock is. Raises `UnsafeStateDirectory`."""
        make_own(self.state, 0o711 if self.owner else 0o700)

    def prepare(self) -> None:
        """Creates all directories, private to us or to the servers' user; for the holder of the lock."""
        self.prepare_state()
        self._claim_servers()
        for path in (self.logs, self.pids):
            make_own(path, 0o700)
        for path in (self.valkey_data, self.run):
            make_private(path, self.owner)

    def _claim_servers(self) -> None:
        """Whoever removed the state directory wants to start anew: data it had elsewhere is put aside."""
        if self.servers != self.state and self.servers.exists() and claimed(self.state) is None:
            aside = self.servers.with_name(f"{self.servers.name}.old")
            shutil.rmtree(aside, ignore_errors=True)
            self.servers.rename(aside)
        make_own(self.servers, 0o711 if self.owner else 0o700)
        (self.state / CLAIM).write_text(f"{self.servers}\n")


def make_own(path: Path, mode: int) -> None:
    """Creates `path`, or takes an existing one that is ours."""
    path.mkdir(parents=True, exist_ok=True)
    require_owner(path, os.geteuid())
    path.chmod(mode)


def make_private(path: Path, owner: Owner | None) -> None:
    """Creates `path` with mode 0700 for the servers' user."""
    path.mkdir(exist_ok=True)
    require_owner(path, os.geteuid(), owner.uid if owner else os.geteuid())
    path.chmod(0o700)
    if owner:
        os.chown(path, owner.uid, owner.gid)


def require_owner(path: Path, *uids: int) -> None:
    """Refuses what somebody else could have put there, as in the world-writable /var/tmp."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in uids:
        raise UnsafeStateDirectory(
            f"{path} belongs to another user, or is a link: start as that user, or remove it."
        )


def server_owner() -> Owner | None:
    """`nobody` when we are root (PostgreSQL refuses to run as root), else None: servers run as we do."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Owner(uid=UNKNOWN_NOBODY, gid=UNKNOWN_NOBODY)
    return Owner(uid=entry.pw_uid, gid=entry.pw_gid)


def can_enter(path: Path, owner: Owner | None) -> bool:
    """Whether `owner` may pass through every existing directory down to `path`."""
    if owner is None:
        return True
    existing = (part for part in (path, *path.parents) if part.exists())
    return all(may_search(part.stat(), owner) for part in existing)


def may_search(found: os.stat_result, owner: Owner) -> bool:
    """The execute bit that POSIX applies to `owner`: exactly one of user, group, others counts."""
    if found.st_uid == owner.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == owner.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def stand_in(parent: Path, path: Path) -> Path:
    """A name below `parent` that is always the same for `path` and this user."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return parent / f"drumtower-{os.geteuid()}-{digest}"


def server_directory(state: Path, owner: Owner | None) -> Path:
    """`state` itself, or a place of the system's when the servers' user cannot get there (root's 0700 home).

    The place that was taken first stays, should the modes above it change.
    """
    places = [state, *(stand_in(parent, state) for parent in PERSISTENT if os.access(parent, os.W_OK))]
    open_ones = [path for path in places if can_enter(path.parent, owner)]
    return next((path for path in open_ones if str(path) == claimed(state)), open_ones[0])


def claimed(state: Path) -> str | None:
    """The place that `prepare` noted down, if it ever did."""
    try:
        return (state / CLAIM).read_text().strip()
    except FileNotFoundError:
        return None


def run_directory(servers: Path, owner: Owner | None) -> Path:
    """`servers`/run, or a short path below the temporary directory when a socket's name would not fit."""
    temporary = Path(tempfile.gettempdir())
    elsewhere = [parent for parent in (temporary, SHORTEST) if can_enter(parent, owner)]
    choices = [servers / "run", *(stand_in(parent, servers) for parent in elsewhere)]
    return next((path for path in choices if socket_fits(path)), choices[-1])


def socket_fits(run: Path) -> bool:
    return len(os.fsencode(run / POSTGRES_SOCKET)) <= SOCKET_PATH_BYTES


def layout_at(state: Path) -> Layout:
    """The layout for `state`; touches nothing."""
    owner = server_owner()
    state = state.resolve()
    servers = server_directory(state, owner)
    return Layout(state=state, servers=servers, run=run_directory(servers, owner), owner=owner)
