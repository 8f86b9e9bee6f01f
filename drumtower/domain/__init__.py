"""Pure rules: standard library only, no I/O, no await. One noun a module, the same noun in every layer."""
