"""Our end of a webhook, without the API: what the adapter makes of what a sandbox pushes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from drumtower.platforms import Credentials, Received, WebhookReceiver, WebhookRequest


@dataclass(slots=True)
class Receiver:
    """Verifies and keeps."""

    adapter: WebhookReceiver
    credentials: Credentials
    got: list[Received] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._hook, methods=["GET", "POST"])])

    async def _hook(self, request: Request) -> Response:
        given = WebhookRequest(
            method=request.method,
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=await request.body(),
            received_at=datetime.now(UTC),
        )
        if request.method == "GET":
            answer = self.adapter.challenge(given, self.credentials)
        else:
            self.got.append(self.adapter.receive(given, self.credentials))
            answer = self.got[-1].answer
        return Response(answer.body, answer.status, media_type=answer.content_type)
