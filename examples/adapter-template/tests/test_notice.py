"""Everything that the adapter promises by its mixins and its data."""

import json

from drumtower_notice.adapter import ERRORS, NoticeAdapter
from drumtower_notice.sandbox import STATUS, NoticeSandbox

from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance


class TestNotice(AdapterConformance):
    adapter = NoticeAdapter
    sandbox = NoticeSandbox
    errors = ERRORS
    publish_path = "/api/notices"
    reply_path = "/api/comments"

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(status=STATUS.get(code, 422), body=json.dumps({"code": code, "message": said}))

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"id": post_id, "created_at": "2026-01-01T00:00:00Z", "likes": None}
        return Fault(path="/api/notices", status=200, body=json.dumps({"notices": [row]}))
