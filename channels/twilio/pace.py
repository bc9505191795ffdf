"""How fast a number of ours may send: https://www.twilio.com/docs/api/errors/21611, read 2026-11.

A long number in the USA or Canada sends one segment a second. Twilio queues what comes faster for ten hours and then
refuses it, so what must wait had better wait here. Short codes and WhatsApp senders are quicker than any desk.
"""

import re

from channels.pace import Pace

SMS_PER_SECOND = 1.0
# Twilio's queue takes these while it sends the first.
BURST = 10
_LONG_NUMBER = re.compile(r"\+[0-9]{9,15}")


def pace(channel: str, sender: str, per_second: float) -> Pace:
    """Return what a message from this number is counted with."""
    if channel == "sms" and _LONG_NUMBER.fullmatch(sender):
        return Pace(key=sender, per_second=per_second, burst=BURST)
    return Pace(key=sender)
