"""Xiaohongshu: a person publishes; what they type in and what they bring as proof is held to the platform's forms."""

import httpx
import pytest

from drumtower.adapters.xiaohongshu.adapter import XiaohongshuAdapter
from drumtower.domain.failures import ContentRejected
from drumtower.platforms import Credentials, PlatformError
from drumtower.platforms.by_hand import NoProof, Proof, read_proof
from drumtower.testkit.conformance_by_hand import ByHandConformance

NOTE, PERSON = "65a1b2c3d4e5f60718293a4b", "5f0e1d2c3b4a596877665544"
VALUES = {
    "red_id": "gulou_tea",
    "nickname": "鼓楼茶",
    "profile_url": f"https://www.xiaohongshu.com/user/profile/{PERSON}?xsec_token=ABC",
}


class TestXiaohongshu(ByHandConformance):
    adapter = XiaohongshuAdapter
    values = VALUES
    proof = (f"https://www.xiaohongshu.com/discovery/item/{NOTE}?xsec_token=ABC", NOTE)


@pytest.mark.parametrize(
    "path", [f"explore/{NOTE}", f"discovery/item/{NOTE}", f"user/profile/{PERSON}/{NOTE}?xsec_source=pc"]
)
def test_every_form_of_a_notes_link_is_one_note(path: str) -> None:
    proof = read_proof(XiaohongshuAdapter.by_hand, f"https://www.xiaohongshu.com/{path}", ())
    assert proof == Proof(url=f"https://www.xiaohongshu.com/explore/{NOTE}", post_id=NOTE)


def test_a_short_link_is_taken_as_it_is_and_a_profile_is_no_note() -> None:
    assert read_proof(XiaohongshuAdapter.by_hand, "http://xhslink.com/a/Ab1", ()).post_id is None
    with pytest.raises(NoProof):
        read_proof(XiaohongshuAdapter.by_hand, VALUES["profile_url"], ())


async def test_the_owner_is_taken_at_their_word_in_the_platforms_form() -> None:
    adapter = XiaohongshuAdapter(httpx.AsyncClient())
    account = await adapter.identify(Credentials(values=VALUES))
    assert (account.id, account.name) == ("gulou_tea", "鼓楼茶")
    assert account.url == f"https://www.xiaohongshu.com/user/profile/{PERSON}"
    for wrong in ({"red_id": "鼓楼"}, {"profile_url": "https://example.com/user/profile/" + PERSON}):
        with pytest.raises(PlatformError) as refused:
            await adapter.identify(Credentials(values=VALUES | wrong))
        assert isinstance(refused.value.failure, ContentRejected)
