"""What the environment says about Slack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.download import own_host
from channels.pace import rate
from channels.slack.pace import POSTS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The app's secrets and where its API is."""

    token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    api_url: str
    app_token: str = field(default="", repr=False)
    # A share of files begins at most this late; with the call's own timeout it then ends before the lease does.
    upload_seconds: float = 30.0
    # Into one channel; 0 is no limit.
    posts_per_second: float = POSTS_PER_SECOND

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `SLACK_…`. Raises `ValueError`."""
        return cls(
            token=environment.get("SLACK_BOT_TOKEN", ""),
            signing_secret=environment.get("SLACK_SIGNING_SECRET", ""),
            api_url=_address(environment.get("SLACK_API_URL") or "https://slack.com/api/"),
            app_token=environment.get("SLACK_APP_TOKEN", ""),
            posts_per_second=rate(environment, "SLACK_POSTS_PER_SECOND", POSTS_PER_SECOND),
        )

    @property
    def file_hosts(self) -> tuple[str, ...]:
        """Return where files come from and go to."""
        return ("files.slack.com", own_host(self.api_url))

    @property
    def answer_hosts(self) -> tuple[str, ...]:
        """Return where answers to buttons and commands go."""
        return ("hooks.slack.com", own_host(self.api_url))


def _address(url: str) -> str:
    try:
        own_host(url)
    except ValueError as error:
        raise ValueError(f"SLACK_API_URL {url} is no address: it is one like https://slack.com/api/") from error
    return url
