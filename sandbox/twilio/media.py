"""What Twilio makes of the files it fetched for a message: their types must be true, accepted and small enough.

https://www.twilio.com/docs/messaging/guides/accepted-mime-types,
https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
"""

import re
from collections.abc import Sequence

from sandbox.outgoing import Answer
from sandbox.twilio import rules

UNFETCHED = (11200, "HTTP retrieval failure")
UNTRUE = (12300, "Invalid Content-Type")
NOT_BY_WHATSAPP = (63021, "Channel invalid content error")
TOO_LARGE = (11751, "MMS -> Media exceeds messaging provider size limit")

MB = 1024 * 1024
TOGETHER = {"sms": 5 * MB, "whatsapp": 16 * MB}
PICTURE = 5 * MB
OTHER_BY_MMS = 500 * 1024

BEGINNINGS = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG",
    "image/gif": b"GIF8",
    "application/pdf": b"%PDF",
}
ACCEPTED = {
    "sms": re.compile(
        r"image/(jpe?g|png|gif|bmp|tiff|hei[cf])|(audio|video)/.+|text/(x-)?(vcard|csv|rtf|calendar)|application/(pdf|vcard)"
    ),
    "whatsapp": re.compile(
        r"image/(jpe?g|png|webp)|audio/(ogg|amr|3gpp|aac|mpeg)|video/mp4|text/vcard|"
        r"application/(pdf|msword|vnd\.openxmlformats-officedocument\..+)"
    ),
}

Refusal = tuple[int, str]


def refusal(to: str, found: Sequence[Answer]) -> Refusal | None:
    """Return why a message with these files fails, `None` when it does not."""
    channel = "whatsapp" if to.startswith(rules.WHATSAPP) else "sms"
    if any(got.problem for got in found):
        return UNFETCHED
    if sum(len(got.content) for got in found) > TOGETHER[channel]:
        return TOO_LARGE
    return next((why for got in found if (why := _file_refusal(channel, got))), None)


def _file_refusal(channel: str, got: Answer) -> Refusal | None:
    kind = got.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not got.content.startswith(BEGINNINGS.get(kind.replace("jpg", "jpeg"), b"")):
        return UNTRUE
    if not ACCEPTED[channel].fullmatch(kind):
        return NOT_BY_WHATSAPP if channel == "whatsapp" else UNTRUE
    return TOO_LARGE if len(got.content) > _limit(channel, kind) else None


def _limit(channel: str, kind: str) -> int:
    if kind.startswith("image/"):
        return PICTURE
    return TOGETHER[channel] if channel == "whatsapp" else OTHER_BY_MMS
