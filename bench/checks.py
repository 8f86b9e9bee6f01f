"""Measures the check engine: preflight of a 2,000-character post on every platform under a 5,000-term pack, in process.

Run from the repository root: `python -m bench.checks`. With `--posts N` it also measures originality look-ups among N
fingerprints in a PostgreSQL of its own.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import quantiles
from uuid import UUID

from drumtower.db.engine import Database
from drumtower.db.models import Brand, Channel
from drumtower.db.plain import fetch
from drumtower.db.repositories.originality import OriginalityRepository
from drumtower.domain.checks import examine
from drumtower.domain.content import ChannelContent, Kind, Nature
from drumtower.domain.errors import Severity
from drumtower.domain.facts import Standards
from drumtower.domain.ids import new_id
from drumtower.domain.rule_packs import Pack, Rule
from drumtower.embedded.servers import temporary_servers
from drumtower.language.folding import fold_term
from drumtower.language.packs import shipped
from drumtower.language.signatures import bands_of
from drumtower.language.terms import Terms
from drumtower.messages import facts_of
from drumtower.platforms import registry
from drumtower.screening import Screening
from tests.databases import Servers, make_template
from tests.factories import make_team

NOW = datetime(2026, 11, 24, tzinfo=UTC)
# The commonest characters of Chinese prose, so that texts look like texts to an index of shingles.
COMMON = (
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学"
    "么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老"
    "因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全"
)


def prose(rng: random.Random, size: int) -> str:
    """Return a text of about this many characters, in sentences."""
    parts: list[str] = []
    while sum(map(len, parts)) < size:
        parts.append("".join(rng.choices(COMMON, k=rng.randint(8, 24))) + rng.choice("，。！？\n"))
    return "".join(parts)[:size]


def main() -> None:
    """Print what a preflight and a look-up take."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--posts", type=int, default=0)
    _preflight()
    posts = arguments.parse_args().posts
    if posts:
        asyncio.run(_originality(posts))


def _preflight() -> None:
    rng = random.Random(1)
    body = prose(rng, 2_000)
    content = ChannelContent(
        title="秋茶", body=body, kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL, language="zh-CN",
        links=("https://tea.example.com",), hashtags=("秋茶",), asset_ids=(), disclosures=(), options={},
    )  # fmt: skip
    terms = tuple(prose(rng, rng.randint(3, 6)) for _ in range(5_000))
    own = Pack(key="own", version=1, rules=(Rule(code="r", severity=Severity.WARN, terms=terms),))
    start = time.perf_counter()
    packs = Terms([*(one.pack for one in shipped()), own])
    packs.hits(body)
    print(f"built in {1000 * (time.perf_counter() - start):.0f} ms")
    adapters = list(registry.load().adapters.values())
    brand = Brand(name="鼓楼茶", banned_words=["便宜"], required_words=[])

    def preflight() -> None:
        screening = Screening(packs)  # as long as one request: nothing is remembered from the last
        for adapter in adapters:
            standards = Standards(screen=screening.on(adapter.slug))
            channel = Channel(status="connected")
            examine(facts_of(adapter, content, [], channel, brand, NOW, standards))

    _say(
        f"preflight, 2,000 characters, {len(adapters)} platforms, 5,000 terms and ours",
        _timed(preflight, 200),
    )
    _say("one text of 2,000 characters through both packs", _timed(lambda: packs.hits(body), 200))


def _timed(run: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def _say(what: str, taken: Sequence[float]) -> None:
    cuts = quantiles(taken, n=100)
    print(
        f"{what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, max {max(taken):.1f} ms ({len(taken)} times)"
    )


async def _originality(posts: int) -> None:
    with temporary_servers() as embedded:
        servers = Servers(embedded.database_url, embedded.redis_url)
        name = await make_template(servers, "bench_checks")
        db = Database(servers.database(name), application="bench")
        workspace_id = (await make_team(db)).workspace_id
        start = time.perf_counter()
        known = await _fill(db, workspace_id, posts)
        print(f"{posts} fingerprints in {time.perf_counter() - start:.0f} s")
        await _look_up(db, workspace_id, known)
        await db.close()


async def _fill(db: Database, workspace_id: UUID, posts: int) -> list[str]:
    rng = random.Random(2)
    kept: list[str] = []
    async with db.transaction() as tx:
        await fetch(tx, "DROP INDEX ix_fingerprints_bands")
    for first in range(0, posts, 10_000):
        texts = [prose(rng, rng.randint(60, 200)) for _ in range(min(10_000, posts - first))]
        kept += texts[:10]
        rows = [(new_id(), workspace_id, "post", new_id(), bands_of(fold_term(text))) for text in texts]
        async with db.transaction() as tx:
            connection = await tx.connection()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            columns = ["id", "workspace_id", "kind", "source_id", "bands"]
            await driver.copy_records_to_table("fingerprints", records=rows, columns=columns)
    async with db.transaction() as tx:
        await fetch(tx, "SET LOCAL maintenance_work_mem = '512MB'")
        await fetch(tx, "CREATE INDEX ix_fingerprints_bands ON fingerprints USING gin (bands)")
    return kept


async def _look_up(db: Database, workspace_id: UUID, known: Sequence[str]) -> None:
    rng = random.Random(3)
    taken, met = [], 0
    async with db.transaction() as tx:
        await fetch(tx, "ANALYZE fingerprints")
    for number in range(500):
        source = rng.choice(known)
        copied = "".join(rng.choice(COMMON) if rng.random() < 0.1 else one for one in source)
        text = copied if number % 2 else prose(rng, 150)
        async with db.transaction() as tx:
            await tx.connection()
            start = time.perf_counter()
            bands = bands_of(fold_term(text))
            await OriginalityRepository(tx, workspace_id).candidates(bands, None)
            taken.append(1000 * (time.perf_counter() - start))
            [row] = await fetch(tx, _MEETS, workspace_id, bands, bands_of(fold_term(source)))
            met += row["met"] if number % 2 else 0
    _say("originality look-up", taken)
    print(f"found {met} of 250 copies with a tenth of their characters changed")


_MEETS = "SELECT count(*) AS met FROM fingerprints WHERE workspace_id = $1 AND bands && $2::int[] AND bands = $3::int[]"


if __name__ == "__main__":
    main()
