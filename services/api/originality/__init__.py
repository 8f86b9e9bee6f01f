"""Originality: what a text is like."""
