"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="25-34 35-44", some="18-24 45-54 55+", weak="0-17"),
    genders=Trait(strong="female male"),
    regions=Trait(strong="cn_large_cities cn_smaller_cities", weak="hk_mo_tw asia"),
    interests=Trait(
        strong="business finance health education culture",
        some="careers parenting local_life industry news public_affairs food technology science travel",
        weak="home cars fashion beauty sports software music_film",
    ),
    markets=Trait(strong="b2b b2c"),
    languages=Trait(strong="zh", weak="en", confidence=Confidence.HIGH),
    goals=Trait(
        strong="service loyalty authority", some="conversion recruiting", weak="awareness engagement"
    ),
    roles=(MatrixRole.SERVICE, MatrixRole.CORE, MatrixRole.ARCHIVE),
)
