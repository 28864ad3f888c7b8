"""A trained model on disk: saved whole, audited before use."""
