"""The fault rig: it breaks things on purpose, and compares what we say with what the platforms did."""
