"""Rule packs: what texts are held to."""
