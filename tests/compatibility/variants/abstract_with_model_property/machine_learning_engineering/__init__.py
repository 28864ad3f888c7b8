"""A stand-in for one team's version of the package."""
