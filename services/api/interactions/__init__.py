"""Interactions: what people say to us, and our answers."""
