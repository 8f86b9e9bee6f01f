"""PostgreSQL, Valkey and our own services as children of one process, on a machine that has none of them."""
