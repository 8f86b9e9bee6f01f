"""W3: a platform that hangs up after five seconds is answered before, however slow the database is."""

import asyncio
import time
from datetime import UTC, datetime

import httpx
import pytest
from asgi_lifespan import LifespanManager

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import InboundEvent
from drumtower.settings import Settings
from services.api.main import create_app
from tests.conftest import client_for
from tests.factories import Team
from tests.faults.api import way_to
from tests.faults.proxy import Harm
from tests.feedback.rows import count, make_channel, message_xml, push

WITHIN = 4.0  # seconds; WeChat gives up after five
PUSHES = 12


@pytest.mark.long
@pytest.mark.parametrize(
    ("latency", "harm"),
    [
        pytest.param(0.3, Harm.NONE, id="cut off in the midst"),
        pytest.param(2.0, Harm.NONE, id="no connection in time"),
        pytest.param(0.0, Harm.BLACKHOLE, id="no answer ever"),
    ],
)
async def test_wechat_hears_from_us_in_time(
    settings: Settings, db: Database, team: Team, box: Box, latency: float, harm: Harm
) -> None:
    channel = await make_channel(db, team, box)
    async with way_to(settings.database_url) as (proxy, address):
        app = create_app(settings.model_copy(update={"database_url": address}))
        async with LifespanManager(app), client_for(app, None) as platform:

            async def send(number: int) -> tuple[int, float]:
                now = datetime.now(UTC)
                sealed = push(message_xml(number, "茶叶收到了", now), now)
                began = time.monotonic()
                answer: httpx.Response = await platform.post(
                    f"/v1/webhooks/wechat/{channel.id}", params=dict(sealed.query), content=sealed.body
                )
                return answer.status_code, time.monotonic() - began

            while (await send(0))[0] != httpx.codes.OK:
                continue  # until connections are open, as a living process has them
            proxy.latency, proxy.harm = latency, harm
            answers = await asyncio.gather(*(send(number) for number in range(1, PUSHES + 1)))
            assert max(seconds for _, seconds in answers) < WITHIN
            assert proxy.fired.total() > 0
            assert {code for code, _ in answers} <= {200, 503}
            proxy.latency, proxy.harm = 0.0, Harm.NONE
    taken = sum(code == 200 for code, _ in answers)
    assert await count(db, InboundEvent) >= 1 + taken  # nobody who heard "success" is wrong
