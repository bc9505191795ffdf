"""The one error of this room."""


class LocalError(Exception):
    """A local server or process cannot run; the text says why and what to do about it."""
