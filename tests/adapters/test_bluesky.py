"""The Bluesky adapter over real HTTP against the sandbox; what the real server proves stands in tests/real."""

import json

from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.adapters.bluesky.errors import BREAKDOWNS, RULES
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance

_STATUSES = {
    "MethodNotImplemented": 501,
    "UpstreamFailure": 502,
    "UpstreamTimeout": 504,
    "NotEnoughResources": 507,
}


class TestBluesky(AdapterConformance):
    adapter = BlueskyAdapter
    sandbox = BlueskySandbox
    errors = RULES
    publish_path = "com.atproto.repo.putRecord"
    reply_path = "com.atproto.repo.putRecord"

    def error(self, code: str, said: str = "") -> Fault:
        status = (
            _STATUSES.get(code, 500) if code in BREAKDOWNS else 429 if code == "RateLimitExceeded" else 400
        )
        return Fault(status=status, body=json.dumps({"error": code, "message": said}))

    def stats_unknown(self, post_id: str) -> Fault:
        return Fault(path="getPosts", status=200, body=json.dumps({"posts": [{"uri": post_id}]}))
