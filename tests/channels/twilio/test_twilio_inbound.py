"""Every form in which Twilio brings a message, as it posts it: one file each in `inbound/`."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from channels.base import ExternalId, InboundMessage, RawEvent, Request
from channels.twilio.content import body_of
from channels.twilio.form import Form
from channels.twilio.parse import parse
from channels.twilio.signature import TwilioWebhook

FORMS = Path(__file__).parent / "inbound"
QUOTED = (ExternalId(type="twilio", value="SM00000000000000000000000000000001"),)
HIDDEN = ExternalId(type="whatsapp", value="US.13491208655302741918")
NUMBER = ExternalId(type="phone", value="+15557654321")


@dataclass(frozen=True, kw_only=True)
class Says:
    """What is to come of a form; what all of a channel have in common is told by the name of its file."""

    body: str = ""
    files: tuple[str, ...] = ()
    references: tuple[ExternalId, ...] = ()
    sender: ExternalId | None = None
    also_known_as: tuple[ExternalId, ...] = ()
    recipient: str = ""


EXPECTED = {
    "sms": Says(body="My order is late & I'm cross 😠"),
    "sms_empty": Says(body="[empty message]"),
    "sms_from_a_name": Says(body="Parcel left with neighbour", sender=ExternalId(type="phone", value="acme post")),
    "sms_from_a_short_code": Says(body="Your code is 1234", sender=ExternalId(type="phone", value="72345")),
    "sms_of_a_messaging_service": Says(body="Hello"),
    "sms_opt_out": Says(body="Stop"),
    "sms_with_add_ons": Says(body="Hi"),
    "mms_contact": Says(files=("contact-1.vcf",)),
    "mms_of_ten_pictures": Says(files=tuple(f"media-{number}.jpg" for number in range(1, 11))),
    "mms_of_two_pictures": Says(body="Both sides", files=("media-1.jpg", "media-2.png")),
    "mms_with_a_picture_missing": Says(body="Three", files=("media-1.jpg", "media-2.png", "media-3.3gp")),
    "whatsapp": Says(body="Olá, tudo bem?"),
    "whatsapp_answer_that_quotes": Says(body="Nice", references=QUOTED),
    "whatsapp_button_without_label": Says(body="later", references=QUOTED),
    "whatsapp_contact": Says(files=("contact-1.vcf",)),
    "whatsapp_document": Says(body="invoice.pdf", files=("media-1.pdf",)),
    "whatsapp_form": Says(
        body="Sent\nHow did it arrive?: Broken\npieces: lid\npieces: cup\ngift: true\ncount: 2", references=QUOTED
    ),
    "whatsapp_form_in_another_form": Says(body="{lid: broken", references=QUOTED),
    "whatsapp_forwarded": Says(body="Look at this\n[forwarded]"),
    "whatsapp_forwarded_often": Says(body="[forwarded many times]", files=("media-1.jpg",)),
    "whatsapp_from_a_post": Says(body="Hi\nCame from a post: 42"),
    "whatsapp_from_an_advertisement": Says(
        body="Is it still on?\nCame from an advertisement: Sale Everything must go https://fb.example/ad1"
    ),
    "whatsapp_list_entry": Says(body="Refund", references=QUOTED),
    "whatsapp_list_entry_without_body": Says(body="Refund", references=QUOTED),
    "whatsapp_named_place": Says(
        body="Location: Our shop, Main St 1, Santiago, -33.4489, -70.6693\n"
        "https://www.google.com/maps/search/?api=1&query=-33.4489,-70.6693"
    ),
    "whatsapp_not_forwarded": Says(body="Mine"),
    "whatsapp_number_and_id": Says(body="Hi", also_known_as=(HIDDEN,)),
    "whatsapp_odd_place": Says(body="Location: north, 13.4"),
    "whatsapp_order": Says(body="[empty message; not shown: CatalogId, ProductItems]\n[sent as: order]"),
    "whatsapp_picture": Says(body="The crack", files=("media-1.jpg",)),
    "whatsapp_place": Says(
        body="Location: 52.520008, 13.404954\nhttps://www.google.com/maps/search/?api=1&query=52.520008,13.404954"
    ),
    "whatsapp_quick_reply": Says(body="Later", references=QUOTED),
    "whatsapp_quick_reply_without_body": Says(body="Later", references=QUOTED),
    "whatsapp_reaction": Says(body="👍\n[sent as: reaction]", references=QUOTED),
    "whatsapp_sticker": Says(files=("media-1.webp",)),
    "whatsapp_template_button": Says(body="Yes, please", references=QUOTED),
    "whatsapp_unsupported": Says(body="[empty message]\n[sent as: unsupported]"),
    "whatsapp_video": Says(files=("media-1.mp4",)),
    "whatsapp_voice": Says(files=("media-1.ogg",)),
    "whatsapp_without_a_number": Says(body="Hi", sender=HIDDEN),
    "rcs": Says(body="Hi there", recipient="rcs:desk_agent"),
    "rcs_suggestion": Says(body="Yes", recipient="rcs:desk_agent"),
    "with_fields_of_tomorrow": Says(body="Hi"),
}


def form(name: str) -> bytes:
    return (FORMS / f"{name}.form").read_bytes().strip()


def received(name: str) -> RawEvent:
    path = "/webhooks/twilio/messages"
    request = Request(url=f"https://desk.example.com{path}", path=path, headers={}, body=form(name))
    (event,) = TwilioWebhook(token="canary").receive(request).events
    return event


def test_every_form_has_its_meaning() -> None:
    assert {path.stem for path in FORMS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_form_becomes_the_right_message(name: str) -> None:
    event, expected = received(name), EXPECTED[name]
    whatsapp = name.startswith("whatsapp")
    (said,) = parse(event)
    assert isinstance(said, InboundMessage)
    assert (said.body, tuple(file.name for file in said.attachments)) == (expected.body, expected.files)
    assert (said.references, said.also_known_as, said.direct) == (expected.references, expected.also_known_as, True)
    assert said.sender == (expected.sender or ExternalId(type="whatsapp" if whatsapp else "phone", value=NUMBER.value))
    ours = expected.recipient or ("+15550100002" if whatsapp else "+15550100001")
    assert [each.value for each in said.recipients] == [ours]
    assert said.sender_name == ("Ana Lima" if whatsapp else "")
    assert (event.channel, event.payload) == ("whatsapp" if whatsapp else "sms", form(name))


def test_files_keep_address_and_type_and_one_without_an_address_keeps_its_place() -> None:
    (said,) = parse(received("mms_with_a_picture_missing"))
    assert isinstance(said, InboundMessage)
    fields = parse_qs(form("mms_with_a_picture_missing").decode())
    urls = [fields["MediaUrl0"][0], "", fields["MediaUrl2"][0]]
    assert [file.url for file in said.attachments] == urls
    assert [file.content_type for file in said.attachments] == ["image/jpeg", "image/png", "video/3gpp"]


@pytest.mark.parametrize(
    ("answers", "body"),
    [
        ("[" * 5000, "[" * 999 + "…"),
        ("[" * 15 + '"deep"' + "]" * 15, "[" * 5 + '"deep"' + "]" * 5),
        ('["x"]', "x"),
        ("null", "[empty message; not shown: InteractiveData]"),
        ('{"a": {"b": ""}}', "[empty message; not shown: InteractiveData]"),
    ],
)
def test_a_form_that_was_filled_in_is_bounded(answers: str, body: str) -> None:
    assert body_of(Form((("InteractiveData", answers), ("Body", "")))) == body


def test_no_more_than_fifty_answers_are_shown() -> None:
    answers = json.dumps([{"name": f"q{number}", "value": "x" * 5000} for number in range(60)])
    lines = body_of(Form((("InteractiveData", answers),))).splitlines()
    assert lines[-1] == "[10 more answers are not shown]"
    assert (len(lines), max(map(len, lines))) == (51, 1000)
