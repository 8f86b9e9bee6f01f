"""Compliance: checking texts, what was found later, and what people say of it."""
