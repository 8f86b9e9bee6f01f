"""Tests against servers that we did not write."""
