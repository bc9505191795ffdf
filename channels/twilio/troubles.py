"""What Twilio's error codes mean: words for the agents, and what follows.

Codes are from https://www.twilio.com/docs/api/errors, read 2026-11. Twilio says of its error texts that they may
change, so nothing is decided by them. Of a code that is not here, its text is all there is, without the numbers in it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from channels.base import clean_line

_LONGEST_TEXT = 200
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{5,}[0-9]")


class Then(StrEnum):
    """What follows from a failure."""

    GIVE_UP = "give up"
    LATER = "later"
    TOO_MANY = "too many"
    BAD_ADDRESS = "bad address"
    OPTED_OUT = "opted out"
    STOP = "stop"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error code means.

    `pause` is how many seconds the same is worth sending again after, when a report brings the code: Twilio has given
    up then, and what is sent is another message. An answer to our call that brings it is tried again as any other.
    """

    words: str
    then: Then = Then.GIVE_UP
    pause: float = 0.0

    @property
    def later(self) -> bool:
        """Say whether only the moment was wrong."""
        return self.then in {Then.LATER, Then.TOO_MANY}

    @property
    def too_many(self) -> bool:
        """Say whether all that goes out from our number is too much just now."""
        return self.then is Then.TOO_MANY

    @property
    def stopped(self) -> bool:
        """Say whether nothing more goes out until an operator acts."""
        return self.then is Then.STOP

    @property
    def window_closed(self) -> bool:
        """Say whether it may go out when the client writes again."""
        return self.then is Then.HOLD

    @property
    def bad_address(self) -> bool:
        """Say whether the address is spent."""
        return self.then is Then.BAD_ADDRESS

    @property
    def opted_out(self) -> bool:
        """Say whether the client wants nothing from our number."""
        return self.then is Then.OPTED_OUT

    @property
    def again_after(self) -> float | None:
        """Return in how many seconds a message that Twilio gave up is worth sending once more."""
        return self.pause if self.later or self.stopped else None


TROUBLES = {
    "20003": Trouble(
        "Twilio refused our credentials; an operator must check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
        Then.STOP,
        300,
    ),
    "20429": Trouble("Too many requests at once.", Then.TOO_MANY, 60),
    "429": Trouble("Too many requests at once.", Then.TOO_MANY, 60),
    "21211": Trouble("This is not a valid number.", Then.BAD_ADDRESS),
    "21408": Trouble("Sending to this country is not enabled; an operator can enable it in Twilio's console."),
    "21606": Trouble("Our number cannot send this; an operator must check the number in Twilio's console."),
    "21610": Trouble("The client has opted out of messages from this number.", Then.OPTED_OUT),
    "21611": Trouble("Twilio's queue for our number is full.", Then.TOO_MANY, 600),
    "21614": Trouble("This number cannot take text messages.", Then.BAD_ADDRESS),
    "21617": Trouble("The text is longer than Twilio takes."),
    "21635": Trouble("This number is a landline.", Then.BAD_ADDRESS),
    "21659": Trouble("Our number is not one of this Twilio account; an operator must check the department's number."),
    "21703": Trouble("The Messaging Service has no number to send from; an operator must add one."),
    "30002": Trouble("The Twilio account is suspended; an operator must look into it.", Then.STOP, 300),
    "30003": Trouble("The phone cannot be reached: off, out of reach, or a landline.", Then.LATER, 600),
    "30004": Trouble("The client or the carrier blocks our messages."),
    "30005": Trouble("This number does not exist any more.", Then.BAD_ADDRESS),
    "30006": Trouble("This number is a landline or its carrier takes no messages.", Then.BAD_ADDRESS),
    "30007": Trouble("The carrier filtered the text as unwanted; write it differently."),
    "30008": Trouble("The carrier did not say why.", Then.LATER, 60),
    "30036": Trouble("The message waited too long and expired.", Then.LATER, 600),
    "63003": Trouble("This WhatsApp address does not exist.", Then.BAD_ADDRESS),
    "63013": Trouble("The text is against WhatsApp's policy."),
    "63016": Trouble(
        "The client last wrote over 24 hours ago, and WhatsApp then takes only approved templates.", Then.HOLD
    ),
    "63017": Trouble("Too many messages at once.", Then.TOO_MANY, 60),
    "63018": Trouble("WhatsApp's limit for our number is reached.", Then.TOO_MANY, 300),
    "63021": Trouble("WhatsApp does not take this content or file."),
    "63024": Trouble("This number is not on WhatsApp.", Then.BAD_ADDRESS),
    "63030": Trouble("WhatsApp does not take this file together with this text."),
    "11200": Trouble("Twilio could not fetch a file from us; an operator must check that PUBLIC_URL can be reached."),
    "11751": Trouble("A file is too large for this channel."),
    "12300": Trouble("A file is of a type that this channel does not take."),
    "63019": Trouble("WhatsApp could not load a file."),
}


def trouble(code: str, text: str = "") -> Trouble:
    """Return what a code means; of an unknown one, what Twilio says of it in `text`, for the agents only."""
    return TROUBLES.get(code) or Trouble(_raw(text))


def _raw(text: str) -> str:
    said = clean_line(_NUMBER.sub("…", text), _LONGEST_TEXT)
    return f"Twilio says: {said}" if said else "Twilio refused it without a reason we know."
