"""`up.json`: where a running instance is and how to log in, for people and programs on this machine."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class UpFile:
    """Secrets of the demo workspace. The file outlives the instance: its keys hold at the next start."""

    api: str
    api_key: str = field(repr=False)
    reviewer_api_key: str = field(repr=False)
    email: str
    password: str = field(repr=False)
    sandbox: dict[str, str]


def write_up_file(path: Path, content: UpFile) -> None:
    """Replaces the file as a whole, readable by its owner only from the first byte on."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(content), file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_up_file(path: Path) -> UpFile | None:
    """The last instance's file, or None when there is none that we understand."""
    try:
        return UpFile(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
