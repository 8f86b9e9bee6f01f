"""MinHash signatures cut into bands: texts that share a band are worth comparing."""

from typing import Final

from rensa import RMinHash

from drumtower.domain.originality import shingles

BANDS: Final = 42
ROWS: Final = 3
_SEED: Final = 20_261_124  # never changed: what is stored was made with it
_MASK: Final = (1 << 31) - 1


def bands_of(folded: str) -> list[int]:
    """Return the bands of a folded text as 31-bit numbers; none for an empty one.

    Texts that share a third of their shingles meet in one of them with a probability of 0.79, half: 0.996.
    """
    pieces = shingles(folded)
    if not pieces:
        return []
    signature = RMinHash(num_perm=BANDS * ROWS, seed=_SEED)
    signature.update(sorted(pieces))
    digest = signature.digest()
    return [_band(index, digest[index * ROWS : (index + 1) * ROWS]) for index in range(BANDS)]


def _band(index: int, rows: list[int]) -> int:
    # FNV-1a over the band's number and rows: equal bands have equal numbers in every process, unlike hash().
    value = 2_166_136_261
    for part in (index, *rows):
        value = ((value ^ part) * 16_777_619) & 0xFFFFFFFFFFFF
    return (value ^ (value >> 17)) & _MASK
