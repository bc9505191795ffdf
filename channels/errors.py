"""Errors of the outside, classed by what happens next.

ChannelError
├── Refused(status)            at the door: bad signature 401/403, too large 413, unknown recipient 550
├── Malformed                  from them but unreadable: set aside with its bytes, listed, replayable
├── MailboxError               while fetching mail, which goes on later; its kinds stand where they are raised
└── SendError
    ├── TryLater(retry_after)  certainly not sent: the row gets a later next_attempt_at
    │   ├── TooMany            and all that the provider counts together with it waits as well
    │   └── Stopped            and nothing else can be sent that way until an operator mends it: they are told
    ├── Undeliverable(code)    certainly not sent and never will be: delivery failed, the agents are told
    ├── WindowClosed           certainly not sent, and not to be until the client writes: held, the agents are told
    └── Unclear                may have been sent: look it up, then decide

Messages of these errors reach operators and agents: they never hold a body, an address or a secret.
"""

from datetime import datetime


class ChannelError(Exception):
    """Whatever a channel reports about the outside."""


class Refused(ChannelError):
    """What came is turned away at the door and leaves no row; `status` is the HTTP or SMTP code to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Malformed(ChannelError):
    """The stored bytes cannot be read; the event is set aside with them."""


class MailboxError(ChannelError):
    """A mailbox, or a mail in it, cannot be had as it should; the door says so and goes on."""


class SendError(ChannelError):
    """A send did not end in a provider's yes."""


class TryLater(SendError):
    """Certainly not sent; `retry_after` is the provider's wish in seconds, if it named one."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class TooMany(TryLater):
    """Certainly not sent: the provider has had too much of this kind just now."""


class Stopped(TryLater):
    """Certainly not sent, nor will anything else be by this account, number or place until an operator acts."""


class Undeliverable(SendError):
    """Certainly not sent and never will be; `code` is the provider's own.

    `bad_address` says to leave the address alone, `opted_out` that its owner wants nothing from this address of ours.
    """

    def __init__(self, reason: str, *, code: str = "", bad_address: bool = False, opted_out: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.bad_address = bad_address
        self.opted_out = opted_out


class WindowClosed(SendError):
    """Certainly not sent: so long after the client's last message this channel takes approved templates only.

    `heard_at` is when that was, where we know.
    """

    def __init__(self, reason: str, *, heard_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.heard_at = heard_at


class Unclear(SendError):
    """The provider may have acted: look it up with `find_sent`, never repeat blindly."""
