"""Imports that are worked in the background: posts, row by row."""
