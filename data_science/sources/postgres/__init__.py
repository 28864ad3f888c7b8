"""The only door to PostgreSQL: wait for feature_store, read it."""
