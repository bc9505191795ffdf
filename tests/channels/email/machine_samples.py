"""What machines answer with: `mails/machines/`, those that answer about a mail of ours to `cleo@client.example`."""

from email.parser import BytesHeaderParser

from tests.channels.email.mail_samples import MAILS, OUR_ID, sample

MACHINES = sorted(path.stem for path in (MAILS / "machines").glob("*.eml"))


def machine(name: str, message_id: str = OUR_ID) -> bytes:
    """Return a sample that answers our mail `message_id`."""
    return sample(f"machines/{name}").replace(OUR_ID.encode(), message_id.strip("<>").encode())


def envelope_sender(payload: bytes) -> str:
    """Return whom the receiving server wrote down as the sender."""
    return str(BytesHeaderParser().parsebytes(payload)["Return-Path"]).strip("<>")
