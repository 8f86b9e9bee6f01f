"""The sandbox platforms themselves."""
