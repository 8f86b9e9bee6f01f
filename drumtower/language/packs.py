"""The rule packs that Drumtower ships: one data file each, read once a process."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final
from uuid import UUID

from drumtower.domain.errors import Severity
from drumtower.domain.rule_packs import Pack, Rule, Shipped
from drumtower.language.lexicons import resource_lines

# Ids of our own making, before any that a running system gives out: lists end with what is shipped.
_IDS: Final = {"cn_advertising": UUID("01900000-0000-7000-8000-000000000001")}


@cache
def shipped() -> tuple[Shipped, ...]:
    """Return the shipped packs."""
    return tuple(_read(key, pack_id) for key, pack_id in _IDS.items())


def _read(key: str, pack_id: UUID) -> Shipped:
    bases: dict[str, str] = {}
    rows: list[Sequence[str]] = []
    head: Sequence[str] = ()
    for kind, *cells in (line.split("\t") for line in resource_lines(f"packs/{key}.tsv")):
        if kind.startswith("= "):
            head = (kind.removeprefix("= "), *cells)
        elif kind.startswith("@ "):
            bases[kind.removeprefix("@ ")] = cells[0]
        else:
            rows.append((kind, *cells))
    version, name, description = head
    rules = tuple(_rules(rows, bases))
    return Shipped(
        id=pack_id,
        name=name,
        description=description,
        pack=Pack(key=key, version=int(version), rules=rules),
    )


def _rules(rows: Sequence[Sequence[str]], bases: dict[str, str]) -> Iterator[Rule]:
    for severity, code, terms, exceptions, basis, suggestion in rows:
        yield Rule(
            code=code,
            severity=Severity(severity),
            terms=tuple(terms.split(", ")),
            exceptions=() if exceptions == "-" else tuple(exceptions.split(", ")),
            basis=bases[basis],
            suggestion=suggestion,
        )
