"""One Twilio account."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """One Twilio account and where its API is."""

    sid: str
    token: str = field(repr=False)
    api_url: str
