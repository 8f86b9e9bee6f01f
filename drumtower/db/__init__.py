"""PostgreSQL: the engine (the only commit), the models, and repositories made with a tenant scope."""
