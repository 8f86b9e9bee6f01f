"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="18-24 0-17", some="25-34", weak="35-44"),
    regions=Trait(strong="cn_large_cities cn_smaller_cities"),
    interests=Trait(
        strong="games animation",
        some="music_film education technology",
        weak="sports software culture",
        confidence=Confidence.LOW,
    ),
    markets=Trait(strong="b2c", weak="b2b"),
    languages=Trait(strong="zh", confidence=Confidence.HIGH),
    goals=Trait(strong="engagement loyalty", some="service", weak="conversion awareness"),
    roles=(MatrixRole.SERVICE, MatrixRole.TRAFFIC),
)
