"""Pictures from strangers: each is decoded and written anew in a process of its own, which may die of it."""
