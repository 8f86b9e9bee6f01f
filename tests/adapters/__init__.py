"""Each adapter against its sandbox, over real HTTP."""
