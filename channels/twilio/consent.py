"""What a message says of its sender's consent to ours.

By SMS, Twilio itself stops at these words and refuses what we send from then on, so we must read them as it does:
https://help.twilio.com/articles/223134027, read 2026-11. With Advanced Opt-Out it says in `OptOutType` what it took
a message for, in any language. On WhatsApp nobody stops anything: there only words count that nobody uses in talk
("cancel" is an answer about an order), and since nobody told the client of START, whatever else they write lifts it.
"""

from channels.base import Consent
from channels.twilio.form import Form

_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START = frozenset({"start", "yes", "unstop"})
_HELP = frozenset({"help", "info"})
_UNMISTAKABLE = frozenset({"stop", "stopall", "unsubscribe", "optout"})
_SAID_BY_TWILIO = {"STOP": Consent.WITHDRAWN, "START": Consent.GIVEN, "HELP": Consent.HELP}


def consent(form: Form, channel: str) -> Consent:
    """Return what a message says: Twilio's word first, then the client's."""
    said = _SAID_BY_TWILIO.get(form.get("OptOutType").strip().upper())
    if said is not None:
        return said
    word = (form.get("Body") or form.get("ButtonText") or form.get("ListTitle")).strip().lower()
    if channel == "whatsapp":
        return Consent.WITHDRAWN if word in _UNMISTAKABLE else Consent.GIVEN
    return _by_sms(word)


def _by_sms(word: str) -> Consent:
    if word in _STOP:
        return Consent.WITHDRAWN
    if word in _START:
        return Consent.GIVEN
    return Consent.HELP if word in _HELP else Consent.UNSAID
