"""Measures the classifier of drumtower.language: accuracy on the labelled sets, cost per text, cost of loading.

Run from the repository root: `python -m bench.language [--reviews FILE]`, where FILE is a CSV of `label,review`
with label 1 for a good and 0 for a bad review (public review sets come in this form).
"""

import argparse
import csv
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from drumtower.language import analyze, analyze_many
from tests.language.labelled import Labelled, load

_SPEED_TEXTS = 5000
_REPEATS = 3
_HOSTILE = {
    "Han": "质量太差了但是还不错",
    "English": "good bad service but ",
    "emoji": "😡😍",
    "one word": "好",
    "only clauses": "好，",
    "only contrast": "但",
    "URLs": "http://",
    "combining marks": "\u0301",
}


def main() -> None:
    """Prints every figure of docs/reference/language.md."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reviews", type=Path, action="append", default=[])
    _loading()
    labelled = load()
    _accuracy(labelled)
    _speed([row.text for row in labelled])
    _hostile()
    for path in arguments.parse_args().reviews:
        _reviews(path)


def _loading() -> None:
    print(f"first call, loads every list: {_seconds(lambda: analyze('质量好 good')) * 1000:.0f} ms")


def _accuracy(labelled: Iterable[Labelled]) -> None:
    splits: dict[str, list[Labelled]] = {}
    for row in labelled:
        splits.setdefault(row.split, []).append(row)
    for split, rows in splits.items():
        results = analyze_many(row.text for row in rows)
        pairs = list(zip(rows, results, strict=True))
        sentiment = sum(row.sentiment == result.sentiment.label for row, result in pairs)
        intent = sum(
            row.intent == (result.intents[0].label if result.intents else "-") for row, result in pairs
        )
        confusion: Counter[tuple[str, str]] = Counter(
            (row.sentiment, result.sentiment.label) for row, result in pairs
        )
        opposite = confusion["positive", "negative"] + confusion["negative", "positive"]
        size = len(rows)
        print(f"{split}: {size} texts, sentiment {sentiment / size:.3f}, first intent {intent / size:.3f}, "
              f"opposite sentiment {opposite}, negative found {_negatives(confusion)}")  # fmt: skip


def _negatives(confusion: Counter[tuple[str, str]]) -> str:
    hits = confusion["negative", "negative"]
    real = sum(count for (label, _), count in confusion.items() if label == "negative")
    said = sum(count for (_, verdict), count in confusion.items() if verdict == "negative")
    return f"recall {hits}/{real}, precision {hits}/{said}"


def _speed(texts: Sequence[str]) -> None:
    many = [texts[number % len(texts)] for number in range(_SPEED_TEXTS)]
    seconds = min(_seconds(lambda: analyze_many(many)) for _ in range(_REPEATS))
    characters = sum(map(len, many)) / len(many)
    print(f"{len(many) / seconds:.0f} texts/s on one thread, {characters:.0f} characters on average")


def _hostile() -> None:
    for name, piece in _HOSTILE.items():
        text = (piece * 100_000)[:100_000]
        seconds = min(_seconds(partial(analyze, text)) for _ in range(_REPEATS))
        print(f"100,000 characters of {name}: {seconds * 1000:.0f} ms")


def _reviews(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(row[0], row[1]) for row in csv.reader(lines) if len(row) > 1 and row[0] in ("0", "1")]
    results = analyze_many(text for _, text in rows)
    verdicts = [
        (label, result.sentiment.label, result.sentiment.score)
        for (label, _), result in zip(rows, results, strict=True)
    ]
    bad = [row for row in verdicts if row[0] == "0"]
    said = [row for row in verdicts if row[1] == "negative"]
    hits = sum(row[0] == "0" for row in said)
    area = _area([row[2] for row in bad], [row[2] for row in verdicts if row[0] == "1"])
    print(f"{path.name}: {len(rows)} reviews, {len(bad) / len(rows):.0%} bad; negative precision "
          f"{hits / len(said):.3f}, recall {hits / len(bad):.3f}; AUC {area:.3f}")  # fmt: skip


def _area(bad: Sequence[float], good: Sequence[float]) -> float:
    """The chance that a bad review scores below a good one; a tie counts half."""
    good_at, bad_at = Counter(good), Counter(bad)
    above, pairs = len(good), 0.0
    for score in sorted({*bad, *good}):
        above -= good_at[score]
        pairs += bad_at[score] * (above + good_at[score] / 2)
    return pairs / (len(bad) * len(good))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
