"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="18-24 25-34 35-44", some="45-54", weak="0-17 55+"),
    genders=Trait(strong="female male"),
    regions=Trait(strong="cn_smaller_cities", some="cn_large_cities"),
    interests=Trait(
        strong="food local_life",
        some="music_film games home pets parenting cars",
        weak="fashion beauty sports health industry news travel education",
    ),
    markets=Trait(strong="b2c", weak="b2b"),
    languages=Trait(strong="zh", confidence=Confidence.HIGH),
    goals=Trait(strong="engagement conversion", some="awareness loyalty recruiting", weak="service"),
    roles=(MatrixRole.TRAFFIC, MatrixRole.CORE),
)
