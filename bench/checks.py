"""Preflight of a 2,000-character Chinese post on every platform under a 5,000-term pack, in process.

    python -m bench.checks [--times 300]

Beside it one write of the bare app (FastAPI, one ORM row, commit), in the same process. Prints JSON lines and a table.
"""

import argparse
import random
from datetime import UTC, datetime

import uvloop

from bench.desk import Desk, desk
from bench.texts import prose
from bench.timing import Timed, show, timed
from drumtower import telemetry
from drumtower.db import migrate
from drumtower.db.models import Brand, Channel
from drumtower.domain.checks import examine_each
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.errors import Severity
from drumtower.domain.facts import Standards
from drumtower.domain.rule_packs import Pack, Rule
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from drumtower.language.packs import shipped
from drumtower.language.terms import Terms
from drumtower.messages import facts_of
from drumtower.platforms import registry
from drumtower.screening import Screening

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LONG, TERMS = 2_000, 5_000
BRAND = Brand(name="鼓楼茶", banned_words=["便宜"], required_words=[])
PACKS = [one.pack for one in shipped()]


class Preflights:
    """The same preflight as often as asked, of another text each time: nothing is remembered from the last."""

    def __init__(self) -> None:
        self.rng = random.Random(1)
        terms = tuple(prose(self.rng, self.rng.randint(3, 6)) for _ in range(TERMS))
        own = Pack(key="own", version=1, rules=(Rule(code="r", severity=Severity.WARN, terms=terms),))
        self.packs = Terms([*PACKS, own])
        self.adapters = list(registry.load().adapters.values())
        self.texts = [prose(self.rng, LONG) for _ in range(100)]

    async def preflight(self, number: int) -> None:
        content = ChannelContent(
            title="秋茶", body=self.texts[number % 100] + str(number), kind=Kind.IMAGE_TEXT,
            nature=Nature.EDITORIAL, language="zh-CN", links=("https://tea.example.com",), hashtags=("秋茶",),
            asset_ids=(), disclosures=(), options={},
        )  # fmt: skip
        screening, channel = Screening(self.packs), Channel(status="connected")
        standards = [Standards(screen=screening.on(adapter.slug)) for adapter in self.adapters]
        examine_each(
            [
                facts_of(adapter, content, [], channel, BRAND, NOW, held)
                for adapter, held in zip(self.adapters, standards, strict=True)
            ]
        )

    async def look(self, number: int) -> None:
        self.packs.hits(self.texts[number % 100])


async def main(times: int, servers: EmbeddedServers) -> None:
    """Measure all, and print it."""
    async with desk(servers) as at:
        show(await measured(at, times), "bare write")


async def measured(at: Desk, times: int) -> list[Timed]:
    work = Preflights()
    note = {"title": "秋茶上新", "body": work.texts[0]}
    return [
        await timed("bare write", times, lambda _: at.plain.post("/notes", json=note), at.server),
        await timed(
            f"preflight, {LONG} characters, {len(work.adapters)} platforms, {TERMS} terms and ours",
            times,
            work.preflight,
            target=20,
        ),
        await timed("one text through the packs", times, work.look),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=300)
    telemetry.configure(service="bench")
    with temporary_servers() as running:
        migrate.upgrade(running.database_url)
        uvloop.run(main(parser.parse_args().times, running))
