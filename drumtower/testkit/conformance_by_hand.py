"""Rules for a platform on which a person publishes: nothing leaves, whatever is sent, and only its own links prove it."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

import httpx
import pytest

from drumtower.domain.capabilities import Feature
from drumtower.platforms import Adapter, Credentials, Handoff, Message, PublishRequest
from drumtower.platforms.by_hand import NoProof, read_proof
from drumtower.testkit.conformance_declaration import DeclarationRules


class ByHandConformance(DeclarationRules):
    """Subclass it, and name the adapter, what its owner types in, and a link of a post with the id in it."""

    adapter: ClassVar[type[Adapter]]
    values: ClassVar[dict[str, str]]
    proof: ClassVar[tuple[str, str]]  # a link, and the post's id

    @pytest.fixture
    def offline(self) -> Adapter:
        """The adapter on a client that fails where anything would leave."""

        def refuse(request: httpx.Request) -> httpx.Response:
            raise AssertionError(f"it called {request.url}")

        return self.adapter(httpx.AsyncClient(transport=httpx.MockTransport(refuse)))

    async def test_says_who_an_account_is_without_asking(self, offline: Adapter) -> None:
        account = await offline.identify(Credentials(values=self.values))
        assert account.id
        assert account.name

    async def test_hands_over_whatever_it_gets(self, offline: Adapter) -> None:
        message = Message(
            title="鼓楼", text="晨钟暮鼓", body="晨钟暮鼓", kind=self.adapter.capabilities.kinds[0]
        )
        request = PublishRequest(
            credentials=Credentials(values=self.values),
            message=message,
            options=self.adapter.options(),
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )
        assert Feature.PUBLISH in self.adapter.by_hand.features
        handed = await offline.publish(request)
        assert isinstance(handed, Handoff)
        assert handed.reason

    def test_a_link_of_a_post_proves_it_and_tells_its_id(self) -> None:
        link, post_id = self.proof
        proof = read_proof(self.adapter.by_hand, link, ())
        assert proof.post_id == post_id
        again = read_proof(self.adapter.by_hand, proof.url, ())
        assert again == proof, "its canonical form proves it too"

    @pytest.mark.parametrize(
        "place", ["https://example.com/{}", "https://{}.example.com/", "https://example.com/?{}"]
    )
    def test_a_link_elsewhere_proves_nothing(self, place: str) -> None:
        with pytest.raises(NoProof):
            read_proof(self.adapter.by_hand, place.format(self.proof[1]), ())
