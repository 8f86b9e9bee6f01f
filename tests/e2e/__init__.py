"""The product as a new user runs it."""
