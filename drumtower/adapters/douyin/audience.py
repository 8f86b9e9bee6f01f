"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="18-24 25-34 35-44", some="45-54 0-17", weak="55+"),
    genders=Trait(strong="female male"),
    regions=Trait(strong="cn_large_cities cn_smaller_cities", confidence=Confidence.HIGH),
    interests=Trait(
        strong="food local_life music_film fashion",
        some="beauty travel games cars pets parenting home sports health news technology",
        weak="education culture finance animation business industry science",
    ),
    markets=Trait(strong="b2c", weak="b2b"),
    languages=Trait(strong="zh", confidence=Confidence.HIGH),
    goals=Trait(
        strong="awareness conversion", some="engagement", weak="loyalty recruiting service authority"
    ),
    roles=(MatrixRole.CORE, MatrixRole.TRAFFIC),
)
