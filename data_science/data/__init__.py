"""What the tables must look like: reading columns without loss, validation, fingerprints."""
