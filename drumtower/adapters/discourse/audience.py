"""Whom one reaches here. Where no source is named, levels are editorial judgement. What a forum is about decides the rest: unknown here."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    interests=Trait(
        strong="software technology industry",
        some="science games cars business",
        weak="finance education health careers",
        confidence=Confidence.LOW,
    ),
    markets=Trait(strong="b2b", some="b2c"),
    goals=Trait(strong="authority service", some="engagement loyalty", weak="conversion recruiting"),
    roles=(MatrixRole.ARCHIVE, MatrixRole.SERVICE, MatrixRole.CORE),
)
