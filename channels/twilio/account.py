"""One Twilio account."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """One Twilio account and where its APIs are."""

    sid: str
    token: str = field(repr=False)
    api_url: str

    def url_of(self, product: str) -> str:
        """Return where a product's API is: on a host of its own beside Twilio's `api`; a stand-in has one for all."""
        scheme, separator, rest = self.api_url.rstrip("/").partition("://")
        return scheme + separator + (f"{product}.{rest.removeprefix('api.')}" if rest.startswith("api.") else rest)
