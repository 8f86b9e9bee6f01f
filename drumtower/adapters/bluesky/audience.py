"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="25-34 35-44", some="18-24 45-54", weak="55+", confidence=Confidence.LOW),
    regions=Trait(
        strong="north_america",
        some="europe asia latin_america",
        weak="middle_east_africa hk_mo_tw",
        confidence=Confidence.LOW,
    ),
    interests=Trait(
        strong="news public_affairs technology",
        some="science software culture",
        weak="music_film games animation sports education pets",
        confidence=Confidence.LOW,
    ),
    markets=Trait(strong="b2c", weak="b2b", confidence=Confidence.LOW),
    languages=Trait(strong="en", some="ja pt", weak="de es fr"),
    goals=Trait(
        strong="engagement", some="awareness authority", weak="service recruiting", confidence=Confidence.LOW
    ),
    roles=(MatrixRole.WATCH, MatrixRole.CORE, MatrixRole.TRAFFIC),
)
