"""Brands: what a workspace speaks for."""
