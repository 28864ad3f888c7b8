"""What the DE's part refuses, in the words that a command prints."""


class LoadError(Exception):
    """The data to load are not there or not what the tables need."""


class ServerError(Exception):
    """The embedded PostgreSQL cannot run here."""


class VariableError(Exception):
    """Environment variables ask for a database that cannot be had."""
