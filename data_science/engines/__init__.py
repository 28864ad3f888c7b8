"""The posterior, two ways: NUTS in transport coordinates, and nested Laplace with its certificate."""
