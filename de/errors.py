"""What the DE's part refuses; the messages are those that a command prints."""


class LoadError(Exception):
    """The data to load are missing or not what the tables need."""


class ServerError(Exception):
    """The embedded PostgreSQL cannot run here."""


class VariableError(Exception):
    """The environment variables ask for a database that is not available."""
