"""What the loading of data refuses, in the words that the command prints."""


class LoadError(Exception):
    """The data to load are not there or not what the tables need."""
