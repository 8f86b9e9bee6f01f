"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="25-34 35-44", some="45-54 18-24", weak="55+"),
    genders=Trait(strong="male female", confidence=Confidence.LOW),
    regions=Trait(
        strong="north_america europe", some="asia latin_america middle_east_africa", weak="hk_mo_tw"
    ),
    interests=Trait(
        strong="business careers",
        some="technology software finance industry education",
        weak="science health news public_affairs",
    ),
    markets=Trait(strong="b2b", weak="b2c", confidence=Confidence.HIGH),
    languages=Trait(strong="en", some="es pt fr de", weak="zh ja ko"),
    goals=Trait(
        strong="recruiting authority", some="awareness engagement conversion", weak="loyalty service"
    ),
    roles=(MatrixRole.CORE, MatrixRole.TRAFFIC),
)
