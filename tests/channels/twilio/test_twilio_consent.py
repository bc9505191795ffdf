from urllib.parse import urlencode

import pytest

from channels.base import Consent, InboundMessage, RawEvent
from channels.twilio.parse import parse

UNSAID, GIVEN, WITHDRAWN, HELP = Consent.UNSAID, Consent.GIVEN, Consent.WITHDRAWN, Consent.HELP
STOP_WORDS = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]


def said(body: str, prefix: str = "", **more: str) -> Consent:
    form = {"MessageSid": "SM1", "From": f"{prefix}+15550100001", "To": f"{prefix}+15550100002", "Body": body, **more}
    event = RawEvent(
        channel="sms", external_id="x", conversation="x", payload=urlencode(form).encode(), facts={"kind": "message"}
    )
    (message,) = parse(event)
    assert isinstance(message, InboundMessage)
    return message.consent


@pytest.mark.parametrize("word", STOP_WORDS)
def test_a_stop_word_counts_in_any_case_and_by_itself_only(word: str) -> None:
    assert {said(each) for each in (word, word.lower(), f" {word.capitalize()}\n")} == {WITHDRAWN}
    assert {said(each) for each in (f"{word} it", f"please {word}", f"{word}!", f"{word}{word}")} == {UNSAID}


@pytest.mark.parametrize(
    ("word", "consent"), [("START", GIVEN), ("yes", GIVEN), ("Unstop", GIVEN), ("HELP", HELP), ("info", HELP)]
)
def test_the_other_words_of_sms(word: str, consent: Consent) -> None:
    assert said(word) is consent
    assert said(f"{word} me") is UNSAID


@pytest.mark.parametrize(("given", "consent"), [("STOP", WITHDRAWN), ("START", GIVEN), ("HELP", HELP)])
def test_what_twilio_took_a_message_for_wins_over_its_words(given: str, consent: Consent) -> None:
    for body in ("ARRET", "stop", "start", "help", "hello"):
        assert said(body, OptOutType=given) is consent
        assert said(body, "whatsapp:", OptOutType=given) is consent
    assert said("stop", OptOutType="unheard of") is WITHDRAWN


def test_on_whatsapp_only_unmistakable_words_count_and_any_other_word_takes_them_back() -> None:
    assert {word for word in STOP_WORDS if said(word, "whatsapp:") is WITHDRAWN} == {
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "OPTOUT",
    }
    assert {said(word, "whatsapp:") for word in ("cancel", "end", "help", "Where is my order?")} == {GIVEN}
