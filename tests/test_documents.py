"""What the documents show of the code is what the code says."""

import re
from pathlib import Path

from drumtower.db.models import Base
from drumtower.domain.deliveries import diagram

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_state_diagram_is_the_machine() -> None:
    drawn = re.search(r"<!-- states.*?-->\n```mermaid\n(.*?)\n```", ARCHITECTURE, re.DOTALL)
    assert drawn is not None
    assert drawn.group(1) == diagram()


def test_every_table_has_a_writer() -> None:
    owners = ARCHITECTURE.split("## Who writes which table")[1].split("\n## ")[0]
    missing = [name for name in Base.metadata.tables if not re.search(rf"\b{name}\b", owners)]
    assert missing == []


def test_every_module_the_documents_name_exists() -> None:
    named = re.findall(r"`((?:drumtower|services|tests|docs|examples|bench)/[\w/.-]+)`", ARCHITECTURE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
