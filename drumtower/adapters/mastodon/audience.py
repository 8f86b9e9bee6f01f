"""Whom one reaches here. Where no source is named, levels are editorial judgement."""

from drumtower.domain.audiences import Character, Confidence, MatrixRole, Trait

CHARACTER = Character(
    ages=Trait(strong="25-34 35-44", some="45-54 18-24", weak="55+", confidence=Confidence.LOW),
    regions=Trait(
        strong="europe",
        some="north_america asia",
        weak="latin_america middle_east_africa hk_mo_tw",
        confidence=Confidence.LOW,
    ),
    interests=Trait(
        strong="software technology science",
        some="public_affairs culture education",
        weak="news games music_film pets",
        confidence=Confidence.LOW,
    ),
    markets=Trait(some="b2b b2c", confidence=Confidence.LOW),
    languages=Trait(strong="en de", some="fr ja", weak="es pt zh"),
    goals=Trait(
        strong="engagement", some="authority", weak="awareness recruiting service", confidence=Confidence.LOW
    ),
    roles=(MatrixRole.WATCH, MatrixRole.CORE, MatrixRole.TRAFFIC),
)
