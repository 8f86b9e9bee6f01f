"""Tests of what platforms tell us."""
