"""How mail systems send a mail back: `mails/bounces/`, each about a mail of ours to `cleo@client.example`."""

from tests.channels.email.mail_samples import OUR_ID, sample

# Twenty shapes, with the status each means, and whether it says that the address is no good.
BOUNCES: dict[str, tuple[str, bool]] = {
    "postfix": ("5.1.1", True),
    "exchange": ("5.1.10", True),
    "full": ("5.2.2", False),
    "general_status": ("5.7.1", False),
    "given_up": ("4.4.1", False),
    "exim": ("5.1.1", True),
    "qmail": ("5.1.1", True),
    "sendmail": ("5.1.2", True),
    "exchange_55": ("5.1.1", True),
    "domino": ("5.1.1", True),
    "groupwise": ("5.2.2", False),
    "opensmtpd": ("5.1.1", True),
    "mailenable": ("5.7.1", False),
    "imail": ("5.2.2", False),
    "loop_mark": ("5.4.6", False),
    "fields_in_text": ("5.1.1", True),
    "german": ("5.1.1", True),
    "japanese": ("5.1.1", True),
    "russian": ("5.2.2", False),
    "html": ("5.7.1", False),
}
DELAYS = ("delayed_postfix", "delayed_gmail")


def bounce(name: str, message_id: str = OUR_ID) -> bytes:
    """Return a sample as it comes back for our mail `message_id`."""
    return sample(f"bounces/{name}").replace(OUR_ID.encode(), message_id.strip("<>").encode())
