"""Reads the hand-labelled comments in data/: their splits and what they are worth stand in docs/reference/language.md."""

from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One comment with the verdict a person gave; `intent` is the main one, "-" for none."""

    split: str
    script: str
    sentiment: str
    intent: str
    text: str


def load() -> list[Labelled]:
    """Every labelled comment of every split, in file order."""
    lines = [line for path in sorted(_DATA.glob("*.tsv")) for line in path.read_text("utf-8").splitlines()]
    return [_row(line) for line in lines if not line.startswith("#")]


def _row(line: str) -> Labelled:
    split, script, sentiment, intent, text = line.split("\t")
    return Labelled(split=split, script=script, sentiment=sentiment, intent=intent, text=text)
