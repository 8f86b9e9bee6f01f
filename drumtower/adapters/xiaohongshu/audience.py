"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Basis, Character, Confidence, MatrixRole, Trait

SOURCE = (
    "Third-party estimates of 2021 to 2023 as quoted in the trade press (70 to 80 % women); they "
    "disagree, and the originals were not seen."
)
CHARACTER = Character(
    ages=Trait(strong="18-24 25-34", some="35-44", weak="0-17 45-54"),
    genders=Trait(strong="female", weak="male", basis=Basis.PUBLISHED, source=SOURCE),
    regions=Trait(strong="cn_large_cities", some="cn_smaller_cities", weak="hk_mo_tw asia north_america"),
    interests=Trait(
        strong="beauty fashion food travel home parenting",
        some="health pets local_life sports education culture",
        weak="careers music_film technology cars finance games",
    ),
    markets=Trait(strong="b2c", weak="b2b"),
    languages=Trait(strong="zh", weak="en", confidence=Confidence.HIGH),
    goals=Trait(strong="conversion awareness", some="engagement", weak="loyalty service recruiting"),
    roles=(MatrixRole.TRAFFIC, MatrixRole.CORE),
)
