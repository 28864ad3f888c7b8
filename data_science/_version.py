"""The only place of the version of what this repository distributes; setup.py reads it without an import."""

__version__ = "0.1.0"
