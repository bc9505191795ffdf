"""Texts and WhatsApp messages on their way to the right client and ticket, with everything they bring."""

import base64
import json

import urllib3

from sandbox.client import file
from sandbox.faults import Fault
from tests.conftest import CREDENTIALS
from tests.desk import Desk

OURS = "whatsapp:+15550100002"
ACCOUNT, TOKEN = CREDENTIALS["TWILIO_ACCOUNT_SID"], CREDENTIALS["TWILIO_AUTH_TOKEN"]
CARD = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ana Lima\nTEL;waid=15557654321:+1 555 765-4321\nEND:VCARD\n"
TWO_WAYS = [
    ("+551187654321", "+5511987654321"),
    ("+5491123456789", "+541123456789"),
    ("+5215512345678", "+525512345678"),
]
HIDDEN = "whatsapp:US.13491208655302741918"


def media_url(desk: Desk, content: bytes, kind: str) -> str:
    """Let the sandbox hold a file as Twilio does and return its address."""
    sid = desk.sandbox.text(desk.phone, "+15550100001", "", media=[file("file", content, kind)])
    messages = f"{desk.sandbox.url}/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media"
    login = {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()}
    (media,) = json.loads(urllib3.request("GET", f"{messages}.json", headers=login).data)["media_list"]
    return f"{messages}/{media['sid']}"


def names(desk: Desk) -> list[object]:
    return desk.scalars("SELECT value FROM client_external_ids ORDER BY id")


def sent_to(desk: Desk) -> list[object]:
    return [each["to"] for each in desk.effects("twilio", "message")]


def test_a_contact_card_is_read_out_and_kept_and_what_cannot_be_had_is_named(desk: Desk) -> None:
    desk.text(
        "",
        NumMedia="4",
        MediaUrl0=media_url(desk, CARD, "text/vcard"),
        MediaContentType0="text/vcard",
        MediaUrl1="https://files.elsewhere.example/secret.png",
        MediaContentType1="image/png",
        MediaContentType2="image/jpeg",
        MediaUrl3=media_url(desk, b"picture", "image/png").rpartition("/")[0] + "/MEgone",
        MediaContentType3="image/png",
    )
    desk.work()
    assert desk.bodies() == ["Contact: Ana Lima, +1 555 765-4321"]
    stored = desk.scalars("SELECT name FROM attachments WHERE storage_key IS NOT NULL")
    assert (stored, desk.count("attachments")) == (["contact-1.vcf"], 4)
    posts = [str(each.get("text")) for each in desk.effects("slack")]
    missing = ("media-2.png", "media-3.jpg", "media-4.png")
    assert any(all(f"the file {name} could not be fetched" in post for name in missing) for post in posts)


def test_a_file_that_is_away_is_waited_for_and_after_a_minute_the_message_comes_without_it(desk: Desk) -> None:
    for times in (1, 100):
        desk.sandbox.fault(Fault(service="twilio", method="GET Media content", kind="5xx_before", times=times))
        picture = media_url(desk, b"picture", "image/png")
        desk.text(f"away {times}", NumMedia="1", MediaUrl0=picture, MediaContentType0="image/png")
        desk.work()
        assert desk.scalars("SELECT status FROM inbound_events ORDER BY id DESC LIMIT 1") == ["pending"]
        if times > 1:
            desk.scalars("UPDATE inbound_events SET tried_since = tried_since - interval '2 minutes' RETURNING id")
        desk.let_pass(60)
    assert desk.bodies() == ["away 1", "away 100"]
    assert desk.scalars("SELECT storage_key IS NULL FROM attachments ORDER BY id") == [False, True]


def test_an_answer_that_quotes_a_ticket_closed_too_long_ago_opens_one_linked_to_it(desk: Desk) -> None:
    quoted = desk.text("first", sender=f"whatsapp:{desk.phone}", to=OURS)
    desk.work()
    desk.scalars(
        "UPDATE tickets SET status = 'closed', closed_at = timezone('utc', now()) - interval '13 days' RETURNING id"
    )
    desk.text("within", sender=f"whatsapp:{desk.phone}", to=OURS, OriginalRepliedMessageSid=quoted)
    desk.work()
    assert (desk.ticket().status, desk.rules()) == ("waiting_for_agent", ["new_ticket", "reference"])
    desk.scalars(
        "UPDATE tickets SET status = 'closed', closed_at = timezone('utc', now()) - interval '15 days' RETURNING id"
    )
    desk.text("after", sender=f"whatsapp:{desk.phone}", to=OURS, OriginalRepliedMessageSid=quoted)
    desk.work()
    old, new = desk.tickets()
    assert (old.status, desk.bodies(new.id)) == ("closed", ["after"])
    assert desk.scalars("SELECT linked_ticket_id FROM ticket_links WHERE ticket_id = :id", id=new.id) == [old.id]


def test_a_strangers_quote_joins_nothing(desk: Desk) -> None:
    quoted = desk.text("mine", sender=f"whatsapp:{desk.phone}", to=OURS)
    desk.text("let me in", sender="whatsapp:+15557654321", to=OURS, OriginalRepliedMessageSid=quoted)
    desk.work()
    mine, theirs = desk.tickets()
    assert (desk.bodies(mine.id), desk.bodies(theirs.id)) == (["mine"], ["let me in"])


def test_a_profile_name_fills_a_blank_name_and_overwrites_none(desk: Desk) -> None:
    desk.text("no name yet")
    desk.work()
    assert desk.scalars("SELECT name FROM clients") == [desk.phone]
    for name in ("Ana", "Somebody else"):
        desk.text("Hi", sender=f"whatsapp:{desk.phone}", to=OURS, ProfileName=name)
        desk.work()
        assert desk.scalars("SELECT name FROM clients") == ["Ana"]


def test_a_number_written_in_another_way_is_the_same_client_and_answered_that_way(desk: Desk) -> None:
    for known, now in TWO_WAYS:
        desk.text("first", sender=f"whatsapp:{known}", to=OURS)
        desk.text("second", sender=f"whatsapp:{now}", to=OURS, ProfileName=now[:3])
    desk.work()
    assert [desk.bodies(ticket.id) for ticket in desk.tickets()] == [["first", "second"]] * 3
    assert desk.scalars("SELECT name FROM clients ORDER BY id") == ["+55", "+54", "+52"]
    assert len(set(desk.scalars("SELECT conversation FROM inbound_events"))) == 3
    for ticket in desk.tickets():
        desk.say("Hello", thread=desk.thread(ticket.id))
    desk.text("third, by SMS", sender=TWO_WAYS[0][0])
    desk.work()
    assert sent_to(desk) == [f"whatsapp:{now}" for _, now in TWO_WAYS]
    assert sorted(map(str, names(desk))) == sorted([*(each for ways in TWO_WAYS for each in ways), TWO_WAYS[0][0]])
    assert desk.count("clients") == 3


def test_who_hides_their_number_is_a_client_and_the_one_they_were_before(desk: Desk) -> None:
    desk.text("with number", sender=f"whatsapp:{desk.phone}", to=OURS, ExternalUserId=HIDDEN, ProfileName="Ana")
    desk.work()
    desk.text("without", sender=HIDDEN, to=OURS, ExternalUserId=HIDDEN, ProfileName="Ana")
    desk.text("a stranger", sender="whatsapp:US.999", to=OURS, ExternalUserId="whatsapp:US.999", ProfileName="Bo")
    desk.work()
    anas, stranger = desk.tickets()
    assert (desk.bodies(anas.id), desk.bodies(stranger.id)) == (["with number", "without"], ["a stranger"])
    assert desk.scalars("SELECT name FROM clients ORDER BY id") == ["Ana", "Bo"]
    desk.say("Hello", thread=desk.thread(anas.id))
    desk.work()
    assert sent_to(desk) == [HIDDEN]
