"""A small disk of its own, to be filled and freed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """A small disk of its own, which can be filled to the last byte and given room again."""

    path: Path

    @property
    def filler(self) -> Path:
        return self.path / "filler"

    def fill(self) -> int:
        """Leave no room; return the bytes that there were."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        return self.filler.stat().st_size

    def free(self) -> None:
        self.filler.unlink()


@contextmanager
def disk_at(path: Path, mebibytes: int) -> Iterator[Disk]:
    """Mount a disk of that size at `path`; takes root."""
    path.mkdir(parents=True, exist_ok=True)
    options = f"size={mebibytes}m,mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "drumtower", path], check=True)  # noqa: S607
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)  # noqa: S607
