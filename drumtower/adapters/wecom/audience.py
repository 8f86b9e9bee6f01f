"""Whom one reaches here. Where no source is named, levels are editorial judgement. Who is in a group is its owner's doing: unknown here."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    regions=Trait(strong="cn_large_cities cn_smaller_cities"),
    markets=Trait(strong="b2b b2c"),
    languages=Trait(strong="zh", confidence=Confidence.HIGH),
    goals=Trait(strong="service loyalty", some="conversion", weak="engagement"),
    roles=(MatrixRole.SERVICE,),
)
