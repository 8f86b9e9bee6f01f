"""Whom one reaches here. Where no source is named, levels are editorial judgement. Who is on a list is its owner's doing: unknown here."""

from drumtower.domain.audiences import Character, MatrixRole, Trait

CHARACTER = Character(
    markets=Trait(strong="b2b", some="b2c"),
    goals=Trait(strong="loyalty conversion", some="service", weak="authority recruiting"),
    roles=(MatrixRole.SERVICE, MatrixRole.ARCHIVE),
)
