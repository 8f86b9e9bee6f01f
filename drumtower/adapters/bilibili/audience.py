"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Basis, Character, Confidence, MatrixRole, Trait

SOURCE = (
    "The company's 12th anniversary speech, June 2021: more than 86 % of monthly users are 35 or "
    "younger. The split within is judged."
)
CHARACTER = Character(
    ages=Trait(
        strong="18-24 25-34",
        some="0-17",
        weak="35-44 45-54",
        confidence=Confidence.MEDIUM,  # published is one bound, 35 years; the levels below and above it are judged
        basis=Basis.PUBLISHED,
        source=SOURCE,
    ),
    genders=Trait(strong="male female"),
    regions=Trait(strong="cn_large_cities", some="cn_smaller_cities"),
    interests=Trait(
        strong="animation games technology science education",
        some="software music_film culture food cars sports pets",
        weak="fashion beauty travel health finance news careers industry business",
    ),
    markets=Trait(strong="b2c", some="b2b"),
    languages=Trait(strong="zh", confidence=Confidence.HIGH),
    goals=Trait(strong="engagement loyalty", some="awareness authority recruiting", weak="conversion"),
    roles=(MatrixRole.ARCHIVE, MatrixRole.CORE),
)
