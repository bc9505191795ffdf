"""Every channel there is. A new one is a folder beside these and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from channels import email, slack, twilio
from channels.base import Channel, Connection, Webhook

# Each folder: the names of its channels, and a function from the environment to a connection.
FOLDERS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, str]], Connection]], ...] = (
    (email.NAMES, email.connect),
    (twilio.NAMES, twilio.connect),
    (slack.NAMES, slack.connect),
)

NAMES: tuple[str, ...] = tuple(name for names, _ in FOLDERS for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The channels by name, the webhooks by path segment, and the path segment of each channel that has one."""

    channels: Mapping[str, Channel]
    webhooks: Mapping[str, Webhook]
    webhook_of: Mapping[str, str]


def connect(environment: Mapping[str, str]) -> Registry:
    """Build every channel from the environment; one without credentials can still parse, but is not `connected`."""
    connections = [make(environment) for _, make in FOLDERS]
    return Registry(
        channels={channel.name: channel for connection in connections for channel in connection.channels},
        webhooks={connection.webhook.name: connection.webhook for connection in connections if connection.webhook},
        webhook_of={
            channel.name: connection.webhook.name
            for connection in connections
            for channel in connection.channels
            if connection.webhook
        },
    )
