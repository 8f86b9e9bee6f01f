"""The adapter contract: mechanisms that adapters are made of."""
