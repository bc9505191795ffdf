"""Messaging Services: one name for several numbers, by which a department may go instead of one number."""

import re

from channels.base import ExternalId

_SERVICE = re.compile(r"MG[0-9a-f]{32}", re.IGNORECASE)


def service_sid(address: ExternalId) -> str:
    """Return the SID when an address of ours is a Messaging Service, else an empty text."""
    value = address.value
    return f"MG{value[2:].lower()}" if _SERVICE.fullmatch(value) else ""
