"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="18-24 25-34", some="35-44", weak="0-17 45-54 55+"),
    genders=Trait(strong="female male"),
    regions=Trait(strong="cn_large_cities cn_smaller_cities", weak="hk_mo_tw asia"),
    interests=Trait(
        strong="news music_film public_affairs",
        some="games beauty fashion sports technology animation cars food culture",
        weak="travel finance pets health education local_life business science",
    ),
    markets=Trait(strong="b2c", some="b2b"),
    languages=Trait(strong="zh", weak="en", confidence=Confidence.HIGH),
    goals=Trait(
        strong="awareness engagement", some="service", weak="conversion loyalty recruiting authority"
    ),
    roles=(MatrixRole.TRAFFIC, MatrixRole.CORE, MatrixRole.SERVICE),
)
