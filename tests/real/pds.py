"""A real Bluesky PDS on loopback: built once into a cache outside the tree, started for the tests that ask.

`python tests/real/pds.py` builds it (node, npm, make and a C++ compiler; about two and a half minutes). Without a
build the tests that need it are skipped, so that a bare machine passes the suite.
"""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

HERE = Path(__file__).parent / "pds"
VERSION = json.loads((HERE / "package.json").read_text())["dependencies"]["@atproto/pds"]
CACHE = Path.home() / ".cache" / "drumtower" / f"pds-{VERSION}"
BUILD_SECONDS = 900
START_SECONDS = 60
_BUILT = CACHE / "built"


class BuildFailed(Exception):
    """The server could not be built; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pds:
    """A running server. `version` is the package's own; the server does not tell it."""

    url: str
    version: str = VERSION


def missing() -> str | None:
    """Say why the server can't be started here; None where it can."""
    if shutil.which("node") is None:
        return "the real PDS needs node, which is not installed"
    if not _BUILT.exists():
        return f"no real PDS in {CACHE}: build it with `python tests/real/pds.py`"
    return None


def build() -> None:
    """Install the packages and compile the one native module, whose ready binaries come from no registry."""
    for tool in ("node", "npm", "make", "g++"):
        if shutil.which(tool) is None:
            raise BuildFailed(f"{tool} is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, CACHE / name)
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    _npm("rebuild", "better-sqlite3", "--build-from-source", *_headers())
    # Written last: a build that broke off is not taken for one.
    _BUILT.write_text(VERSION)


def _npm(*arguments: str) -> None:
    made = subprocess.run(
        [shutil.which("npm") or "npm", *arguments],
        cwd=CACHE,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if made.returncode:
        raise BuildFailed(f"npm {arguments[0]} failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")


def _headers() -> list[str]:
    """Name node's own headers where they lie beside it, so that none have to be fetched."""
    node = shutil.which("node")
    prefix = Path(node).resolve().parent.parent if node else None
    return [f"--nodedir={prefix}"] if prefix and (prefix / "include/node/node.h").exists() else []


@contextmanager
def running(directory: Path) -> Iterator[Pds]:
    """Start a server with its state in `directory`; it ends with the block, or with this process."""
    settings = _settings(directory)
    url = f"http://127.0.0.1:{settings['PDS_PORT']}"
    with (directory / "log").open("wb") as log:
        command = [shutil.which("node") or "node", str(HERE / "start.js"), str(CACHE), json.dumps(settings)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            _await(process, url, directory / "log")
            yield Pds(url=url)
        finally:
            process.kill()
            process.communicate()


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/xrpc/_health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the PDS did not start: {log.read_text(errors='replace')[-2000:]}")


def _settings(directory: Path) -> dict[str, str]:
    for name in ("data", "blobs"):
        (directory / name).mkdir(parents=True)
    return {
        "PDS_PORT": str(_free_port()),
        "PDS_HOSTNAME": "localhost",
        "PDS_DEV_MODE": "true",
        "PDS_DATA_DIRECTORY": str(directory / "data"),
        "PDS_BLOBSTORE_DISK_LOCATION": str(directory / "blobs"),
        "PDS_SERVICE_HANDLE_DOMAINS": ".test",
        "PDS_INVITE_REQUIRED": "false",
        "PDS_JWT_SECRET": secrets.token_hex(16),
        "PDS_ADMIN_PASSWORD": secrets.token_hex(16),
        "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX": secrets.token_hex(32),
        "PDS_DISABLE_SSRF_PROTECTION": "true",
        # There is no AppView: what it would answer is 502 UpstreamFailure.
        "PDS_BSKY_APP_VIEW_URL": "http://127.0.0.1:9",
        "PDS_BSKY_APP_VIEW_DID": "did:web:localhost",
        "PDS_RATE_LIMITS_ENABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    try:
        build()
    except BuildFailed as failed:
        sys.exit(f"The real PDS was not built: {failed}")
    sys.stdout.write(f"PDS {VERSION} is in {CACHE}\n")
