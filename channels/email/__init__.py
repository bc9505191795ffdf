"""The email channel: SMTP in, a relay out."""

from collections.abc import Mapping

from channels.base import Connection
from channels.email.channel import EmailChannel

__all__ = ["NAMES", "EmailChannel", "connect"]

NAMES = ("email",)


def connect(environment: Mapping[str, str]) -> Connection:
    """Build the channel from the environment. Raises `ValueError` for settings that cannot be meant."""
    return Connection(channels=(EmailChannel.from_environment(environment),))
