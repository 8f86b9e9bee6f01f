"""Proofs: a link on the platform's own hosts, and nothing that only looks like one."""

import pytest

from drumtower.platforms.by_hand import ByHand, NoProof, Proof, read_proof

NOTES = ByHand(
    hosts=("notes.example",),
    short_hosts=("n.example",),
    post=r"/(?:explore|item)/(?P<id>[0-9a-f]{24})",
    address="https://www.notes.example/explore/{id}",
)
ID = "65a1b2c3d4e5f60718293a4b"


@pytest.mark.parametrize(
    ("url", "proof"),
    [
        (
            f"https://WWW.notes.example/item/{ID}?xsec_token=s3cret",
            Proof(url=f"https://www.notes.example/explore/{ID}", post_id=ID),
        ),
        ("http://n.example/a1B2", Proof(url="http://n.example/a1B2")),
        ("http://127.0.0.1:8000/x", Proof(url="http://127.0.0.1:8000/x")),
    ],
)
def test_a_link_of_the_platform(url: str, proof: Proof) -> None:
    assert read_proof(NOTES, url, own=("http://127.0.0.1:8000/notes", None)) == proof


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/explore/" + ID,
        "https://notes.example.evil.example/explore/" + ID,
        "https://evilnotes.example/explore/" + ID,
        "https://www.notes.example@evil.example/explore/" + ID,
        "https://evil.example/?u=https://www.notes.example/explore/" + ID,
        "https://www.notes.example/user/profile/1",
        "https://www.notes.example/explore/" + ID + "0",
        "https://[::1/explore",
    ],
)
def test_a_link_that_leads_elsewhere(url: str) -> None:
    with pytest.raises(NoProof) as refused:
        read_proof(NOTES, url, own=())
    assert refused.value.hint


def test_a_server_of_ones_own_is_the_accounts() -> None:
    assert read_proof(ByHand(), "https://tea.example/@a/1", own=("https://tea.example/@a", None))
    with pytest.raises(NoProof):
        read_proof(ByHand(), "https://other.example/@a/1", own=("https://tea.example/@a", None))
    assert read_proof(ByHand(), "https://anywhere.example/1", own=()), "nothing to compare with"
