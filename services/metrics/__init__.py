"""Measurement: one file a step."""
