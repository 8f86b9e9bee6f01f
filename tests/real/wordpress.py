"""A real WordPress on loopback, with PHP and MariaDB: unpacked once into a cache, started for the tests that ask.

`python tests/real/wordpress.py` unpacks it (Debian 12 or a system with its packages; apt and dpkg; half a minute), and
nothing is installed. Without it the tests that need it are skipped, so that a bare machine passes the suite.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.real.processes import free_port, own_environment, started

HERE = Path(__file__).parent / "site"
CACHE = Path.home() / ".cache" / "drumtower" / "wordpress-6.1"
ROOT = CACHE / "root"
TREE = ROOT / "usr/share/wordpress"
PACKAGES = (
    *(f"php8.2-{name}" for name in ("cli", "mysql", "xml", "mbstring", "curl", "gd")),
    "mariadb-server-core",
    "mariadb-client-core",
)
EXTENSIONS = (
    *("mysqlnd", "mysqli", "tokenizer", "ctype", "iconv", "fileinfo", "dom", "xml", "simplexml", "xmlreader"),
    *("mbstring", "exif", "gd", "curl", "posix"),
)
START_SECONDS = 60
_BUILT = CACHE / "built"


class BuildFailed(Exception):
    """The site could not be unpacked; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running site, and the application password of a user of each role; their names are the roles'."""

    url: str
    passwords: Mapping[str, str]


def missing() -> str | None:
    """Say why the site can't be started here; None where it can."""
    if not _BUILT.exists():
        return f"no real WordPress in {CACHE}: unpack it with `python -m tests.real.wordpress`"
    return None


def build() -> None:
    """Download the packages that this system lacks, and unpack them."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise BuildFailed(f"{tool} is not installed: this needs a Debian system")
    archives = CACHE / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    own = ("-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1")
    _run("apt-get", "install", "--yes", "--download-only", "--no-install-recommends", *own, *PACKAGES)
    # Its own dependencies (a web server, another PHP) are not needed.
    _run("apt-get", "download", "wordpress", cwd=archives)
    for package in sorted(archives.glob("*.deb")):
        _run("dpkg", "-x", str(package), str(ROOT))
    shutil.copy(HERE / "wp-config.php", TREE / "wp-config.php")
    # Written last: a build that broke off is not taken for one.
    _BUILT.write_text("6.1")


def _run(*command: str, cwd: Path = CACHE, env: Mapping[str, str] | None = None) -> str:
    made = subprocess.run(
        command,
        cwd=cwd,
        env=own_environment(env or {}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if made.returncode:
        raise BuildFailed(f"{' '.join(command[:2])} failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    return made.stdout


@contextmanager
def running(directory: Path) -> Iterator[Site]:
    """Start a database and a site with their state in `directory`; they end with the block."""
    shutil.copytree(TREE / "wp-content", directory / "files", symlinks=True)
    socket, address = directory / "database.sock", f"http://127.0.0.1:{free_port()}"
    env = {
        "LD_LIBRARY_PATH": str(ROOT / "usr/lib/x86_64-linux-gnu"),
        "SITE_DATABASE": str(socket),
        "SITE_ADDRESS": address,
        "SITE_FILES": str(directory / "files"),
    }
    php = (str(ROOT / "usr/bin/php8.2"), "-n", "-c", str(_php_ini(directory)))
    with started(_database(directory, socket), directory / "database.log", env):
        _await(lambda: _create(socket, env), directory / "database.log")
        passwords = json.loads(_run(*php, str(HERE / "install.php"), str(TREE), cwd=directory, env=env))
        serving = (*php, "-S", address.removeprefix("http://"), "-t", str(TREE), str(HERE / "router.php"))
        with started(serving, directory / "site.log", env):
            _await(lambda: httpx.get(f"{address}/wp-json/").raise_for_status(), directory / "site.log")
            yield Site(url=address, passwords=passwords)


def _php_ini(directory: Path) -> Path:
    (modules,) = (ROOT / "usr/lib/php").glob("2*/mysqli.so")
    lines = [f"extension_dir={modules.parent}", *(f"extension={name}" for name in EXTENSIONS)]
    path = directory / "php.ini"
    cached = [
        "zend_extension=opcache",
        "opcache.enable_cli=1",
    ]  # the site is compiled once, not for each call
    path.write_text("\n".join([*lines, *cached, "memory_limit=256M", "display_errors=stderr"]))
    return path


def _database(directory: Path, socket: Path) -> tuple[str, ...]:
    (directory / "data").mkdir()
    user = ("--user=root",) if os.geteuid() == 0 else ()
    return (
        str(ROOT / "usr/sbin/mariadbd"),
        "--no-defaults",
        *user,
        f"--datadir={directory / 'data'}",
        f"--socket={socket}",
        f"--lc-messages-dir={ROOT / 'usr/share/mysql'}",
        f"--character-sets-dir={ROOT / 'usr/share/mysql/charsets'}",
        "--skip-networking",
        "--skip-grant-tables",  # so it needs no system tables
        "--innodb-flush-log-at-trx-commit=0",
        f"--pid-file={directory / 'database.pid'}",
    )


def _create(socket: Path, env: Mapping[str, str]) -> None:
    client = str(ROOT / "usr/bin/mariadb")
    statement = "CREATE DATABASE IF NOT EXISTS wordpress CHARACTER SET utf8mb4"
    _run(client, "--no-defaults", f"--socket={socket}", "-e", statement, env=env)


def _await(ready: object, log: Path) -> None:
    assert callable(ready)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
        except (BuildFailed, httpx.HTTPError) as failed:
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"it did not start: {failed}\n{tail}") from failed
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    try:
        build()
    except BuildFailed as failed:
        sys.exit(f"The real WordPress was not unpacked: {failed}")
    sys.stdout.write(f"WordPress is in {CACHE}\n")
