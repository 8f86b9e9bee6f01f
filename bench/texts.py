"""Made-up Chinese texts."""

import random

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
