"""Slack: clients write in channels and direct messages, agents work in the threads of their own channel."""

from collections.abc import Mapping

from channels.base import Connection
from channels.slack.channel import SlackChannel
from channels.slack.settings import Settings
from channels.slack.webhook import SlackWebhook

NAMES = ("slack",)


def connect(environment: Mapping[str, str]) -> Connection:
    """Build the channel; without SLACK_BOT_TOKEN it only parses, without SLACK_SIGNING_SECRET every call is refused.

    Raises `ValueError` for a SLACK_API_URL that is no address, or a SLACK_POSTS_PER_SECOND that is no number.
    """
    settings = Settings.from_environment(environment)
    return Connection(channels=(SlackChannel(settings),), webhook=SlackWebhook(secret=settings.signing_secret))
