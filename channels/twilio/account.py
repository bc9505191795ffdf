"""One Twilio account."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """One Twilio account and where its APIs are."""

    sid: str
    token: str = field(repr=False)
    api_url: str
    content_url: str
