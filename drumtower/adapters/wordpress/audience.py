"""Whom one reaches here. Where no source is named, levels are editorial judgement. Who visits a site is its own: unknown here."""

from drumtower.domain.audiences import Character, MatrixRole, Trait

CHARACTER = Character(
    markets=Trait(strong="b2b b2c"),
    goals=Trait(strong="authority conversion", some="recruiting service", weak="awareness loyalty"),
    roles=(MatrixRole.ARCHIVE,),
)
