"""Hostile answers of platforms (85 to 96 of the list): to the call that publishes, and to the looks that follow it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from drumtower.db.models import Delivery, RateBudget
from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Fault
from services.scheduler import settle
from tests.faults.field import Field, Pace, Size
from tests.faults.report import Report, history
from tests.faults.weather import Override, drip, unending
from tests.faults.world import World
from tests.scheduler.stage import Stage

PUBLISH = {
    "weibo": "statuses/share",
    "wechat": "freepublish/submit",
    "bluesky": "putRecord",
    "blind": "/send",
}
LOOK = {"weibo": "user_timeline", "wechat": "batchget", "bluesky": "getRecord"}
LONG = "".join(secrets.choice("0123456789abcdef") for _ in range(10_000))
DEEP = "[" * 100_000
TURNS = 14
ANY = frozenset({State.PUBLISHED, State.FAILED, State.HANDOFF, State.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to answer. `acts`: the platform did what it was asked before it answered so."""

    name: str
    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    acts: bool = True
    slugs: tuple[str, ...] = tuple(PUBLISH)


def _ids(value: object) -> str:
    """An answer that every platform here would read its id from."""
    at = "Mon Nov 23 16:00:00 +0800 2026"
    return json.dumps(
        {"id": value, "idstr": value, "created_at": at, "publish_id": value, "uri": value, "cid": value}
    )


def _error(text: str, **more: object) -> str:
    """An error in every platform's own words: a word that is forbidden, for Weibo and WeChat."""
    weibo = {"error_code": 20021, "error": text}
    wechat = {"errcode": 45166, "errmsg": text}
    return json.dumps({**weibo, **wechat, "message": text, **more})


CASES = (
    Case(name="85 empty"),
    Case(name="85 HTML", body="<html>hello</html>", headers={"content-type": "text/html"}),
    Case(name="85 null id", body=_ids(None)),
    Case(name="85 a list", body="[]"),
    Case(name="85 a number", body="7"),
    Case(name="86 id of 10,000 characters", body=_ids(LONG)),
    Case(name="86 id with a NUL", body=_ids("1\x00")),
    Case(name="86 id with half a character", body='{"id":"\\ud800","publish_id":"\\ud800","uri":"\\ud800"}'),
    Case(name="88 400 although created", status=400, body="{}"),
    Case(name="89 Retry-After: words", status=429, headers={"retry-after": "Wed, 99 Foo"}, acts=False),
    Case(name="89 Retry-After: -5", status=429, headers={"retry-after": "-5"}, acts=False),
    Case(name="89 Retry-After: 1e9", status=429, headers={"retry-after": "1e9"}, acts=False),
    Case(name="89 Retry-After: years", status=429, headers={"retry-after": "999999999999"}, acts=False),
    Case(name="92 NUL in the reason", body=_error("no\x00"), acts=False),
    Case(
        name="92 half a character in the reason",
        body='{"error_code":20021,"error":"\\ud800","errcode":45166,"errmsg":"\\ud800"}',
        acts=False,
    ),
    Case(
        name="92 NUL, HTTP 400",
        status=400,
        body=json.dumps({"error": "InvalidRequest", "message": "no\x00\ud800"}),
        acts=False,
        slugs=("bluesky",),
    ),
    Case(name="92 a reason of 1 MB", body=_error("x" * 1_000_000), acts=False),
    Case(
        name="92 a code of 1 MB",
        body=json.dumps({"error_code": "9" * 10**6, "errcode": "9" * 10**6, "error": "E" * 10**6}),
        status=400,
    ),
    Case(
        name="95 no zone",
        body=json.dumps({"id": 1, "idstr": "1", "created_at": "2026-11-23T16:00:00"}),
        slugs=("weibo",),
    ),
    Case(name="deep", body=DEEP),
    Case(name="NaN", body='{"id":NaN,"publish_id":NaN,"uri":NaN}'),
    Case(name="5,000 digits", body='{"id":' + "9" * 5000 + "}"),
    # A wrong id that looks right can be found out only where something can be looked up.
    Case(
        name="a key twice",
        body='{"id":"1","id":"2","errcode":0,"errcode":-1,"error_code":10001}',
        slugs=tuple(LOOK),
    ),
    Case(
        name="UTF-16",
        body='{"id":"1"}',
        headers={"content-type": "application/json; charset=utf-16"},
        slugs=tuple(LOOK),
    ),
    Case(name="302 elsewhere", status=302, headers={"location": "http://127.0.0.1:1/"}),
    Case(name="307 to itself", status=307, headers={"location": "."}),
    Case(name="gzip that is none", body="no gzip", headers={"content-encoding": "gzip"}),
    Case(
        name="500 cookies",
        headers={f"set-cookie-{n}": "a=b" for n in range(20)} | {"set-cookie": "a=" + "b" * 4000},
    ),
    Case(name="204", status=204),
    Case(name="451", status=451),
)


async def hostile(world: World, size: Size) -> Report:
    """Answer in every hostile way, once for each platform; what happened must be known, or asked, in the end."""
    del size
    vars(settle)["LOOK_SECONDS"] = 3.0
    claims: dict[str, bool] = {}
    lives: dict[str, str] = {}
    async with world.field(dict.fromkeys(PUBLISH, 1), pace=Pace(lease=8.0)) as field:
        await field.stages["wechat"][0].control("settings", {"publish_delay": 0.0})
        for case in CASES:
            for slug in case.slugs:
                row = await _play(field, field.stages[slug][0], _fault(case, slug))
                claims |= {f"{slug}: {case.name}": _is_told(row)}
                if not _is_told(row):
                    lives[f"{slug}: {case.name}"] = (
                        history(row, await field.attempts()) + f" {row.error}"[:200]
                    )
        for slug, path in LOOK.items():
            for name, app in (("drips", drip), ("never ends", unending)):
                field.platforms.weather.overrides.append(Override(path=path, app=app, times=1))
                row = await _play(field, field.stages[slug][0], _fault(Case(name=name, status=502), slug))
                claims |= {f"{slug}: a look that {name}": row.state == State.PUBLISHED}
        lives |= await _reds(field)
        fired = {slug: platform.faults.fired for slug, platform in field.platforms.made.items()}
        verdict = await field.verdict(*ANY)
    return Report(
        name="85-96 hostile answers",
        posts=len(claims),
        fired={**fired, "hostile looks": field.platforms.weather.fired["override"]},
        verdict=verdict,
        drained_after=0.0,
        claims=claims,
        told={"lives": lives},
    )


def _fault(case: Case, slug: str) -> Fault:
    return Fault(
        path=PUBLISH[slug],
        status=case.status,
        body=case.body,
        headers=dict(case.headers),
        content_type=case.headers.get("content-type", "application/json"),
        acts=case.acts,
    )


async def _reds(field: Field) -> dict[str, str]:
    verdict, attempts = await field.verdict(*ANY), await field.attempts()
    rows = {row.id: row for row in await field.rows()}
    wrong = {kind: getattr(verdict, kind) for kind in verdict.red}
    return {
        f"{kind} {one}": history(rows[one], attempts) + f" {rows[one].external_id}"[:60]
        for kind, ids in wrong.items()
        for one in ids
        if one in rows
    }


async def _play(field: Field, stage: Stage, fault: Fault) -> Delivery:
    """Publish one post against one fault, and let time pass until it rests."""
    field.platforms.made[stage.platform].faults.waiting.append(fault)
    post, delivery = field.promise(stage, datetime.now(UTC) - timedelta(seconds=1))
    await field.commit([(post, delivery)])
    for _ in range(TURNS):
        await stage.turn()
        row = await stage.delivery(delivery)
        if State(row.state) in ANY and (row.state != State.UNKNOWN or row.needs_check):
            break
        await stage.pass_time(90_000)
        await _open_budgets(field)
    return row


async def _open_budgets(field: Field) -> None:
    """What a platform closed for a day or for ever is open again: the next case has nothing to do with it."""
    async with field.db.transaction() as tx:
        await tx.execute(update(RateBudget).values(tat=None, promised_until=None, closed_until=None))


def _is_told(row: Delivery) -> bool:
    """Say whether it rests where somebody sees what happened, and not for a bug of ours."""
    bug = "internal error" in str(row.error)
    return State(row.state) in ANY and (row.state != State.UNKNOWN or row.needs_check) and not bug
