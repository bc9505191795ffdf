"""The real Twilio client against the sandbox, and Twilio's own validator on what it posts."""

import base64
from urllib.parse import parse_qs

import pytest
import urllib3
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sandbox.client import Sandbox, file, wait_for
from sandbox.twilio.account import Habits
from tests.sandbox.product import ACCOUNT, ENVIRONMENT, PUBLIC_URL, Received, Receiver

OURS = "+15550100000"
CALLBACK = f"{PUBLIC_URL}/webhooks/twilio/status?delivery=7"


def fields_in(call: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.body.decode(), keep_blank_values=True).items()}


def is_signed(call: Received) -> bool:
    validator = RequestValidator(ENVIRONMENT["TWILIO_AUTH_TOKEN"])
    return bool(validator.validate(PUBLIC_URL + call.path, fields_in(call), call.headers["X-Twilio-Signature"]))


def statuses(receiver: Receiver, sid: str, count: int) -> list[str]:
    return [fields_in(call)["MessageStatus"] for call in receiver.got(sid, count)]


def test_a_text_is_one_effect(twilio: Client, sandbox: Sandbox) -> None:
    message = twilio.messages.create(to="+15550123001", from_=OURS, body="hello")
    (effect,) = [one for one in sandbox.ledger("twilio", "message") if one["sid"] == message.sid]
    assert (message.status, message.direction, message.num_segments) == ("queued", "outbound-api", "1")
    assert (effect["to"], effect["from"], effect["body"]) == ("+15550123001", OURS, "hello")


def test_a_text_through_a_service_is_accepted_without_segments(twilio: Client) -> None:
    message = twilio.messages.create(to="+15550123001", messaging_service_sid="MG" + "1" * 32, body="hello")
    assert (message.status, message.num_segments, message.from_) == ("accepted", "0", None)


def test_status_callbacks_follow_in_order_and_are_signed(twilio: Client, receiver: Receiver) -> None:
    message = twilio.messages.create(to="+15550123002", from_=OURS, body="x", status_callback=CALLBACK)
    assert statuses(receiver, str(message.sid), 2) == ["sent", "delivered"]
    assert all(is_signed(call) for call in receiver.got(str(message.sid), 2))


def test_a_whatsapp_message_is_read_too(twilio: Client, receiver: Receiver) -> None:
    to, sender = "whatsapp:+15550123003", f"whatsapp:{OURS}"
    message = twilio.messages.create(to=to, from_=sender, body="x", status_callback=CALLBACK)
    assert statuses(receiver, str(message.sid), 3) == ["sent", "delivered", "read"]


def test_the_failing_number_ends_undelivered(twilio: Client, receiver: Receiver) -> None:
    message = twilio.messages.create(to="+15005550001", from_=OURS, body="x", status_callback=CALLBACK)
    last = fields_in(receiver.got(str(message.sid), 2)[1])
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30006")
    assert twilio.messages(str(message.sid)).fetch().error_code == 30006


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"to": "12", "body": "x"}, 21211),
        ({"to": "+15550123001", "body": ""}, 21602),
        ({"to": "+15550123001", "body": "x" * 1601}, 21617),
    ],
)
def test_a_bad_text_gets_twilios_own_code(twilio: Client, arguments: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioRestException) as error:
        twilio.messages.create(from_=OURS, **arguments)
    assert (error.value.status, error.value.code) == (400, code)


def test_a_wrong_token_is_20003(twilio: Client) -> None:
    twilio.auth = (ACCOUNT, "wrong")
    with pytest.raises(TwilioRestException) as error:
        twilio.messages.create(to="+15550123001", from_=OURS, body="x")
    assert (error.value.status, error.value.code) == (401, 20003)


def test_after_stop_nothing_more_is_sent_until_start(twilio: Client, sandbox: Sandbox) -> None:
    sandbox.text("+15550123004", OURS, "Stop")
    with pytest.raises(TwilioRestException) as error:
        twilio.messages.create(to="+15550123004", from_=OURS, body="x")
    assert error.value.code == 21610
    sandbox.text("+15550123004", OURS, "START")
    assert twilio.messages.create(to="+15550123004", from_=OURS, body="x").sid


def test_the_list_finds_by_to_from_and_day(twilio: Client) -> None:
    sent = twilio.messages.create(to="+15550123005", from_=OURS, body="find me")
    found = twilio.messages.list(to="+15550123005", from_=OURS, date_sent=sent.date_created)
    assert [one.sid for one in found] == [sent.sid]
    assert twilio.messages.list(to="+15550123005", from_="+15550109999") == []


def test_the_list_is_read_page_by_page_newest_first(twilio: Client) -> None:
    sent = [twilio.messages.create(to="+15550123006", from_=OURS, body=str(number)).sid for number in range(5)]
    assert [one.sid for one in twilio.messages.list(to="+15550123006", page_size=2)] == sent[::-1]


def test_a_text_of_some_time_ago_is_listed_by_its_own_moment(sandbox: Sandbox, twilio: Client) -> None:
    sids = [sandbox.text("+15550123021", OURS, "x", ago=ago) for ago in (60, 600, 0)]
    listed = twilio.messages.list(from_="+15550123021")
    assert [one.sid for one in listed] == [sids[2], sids[0], sids[1]]


def test_the_list_can_be_behind(sandbox: Sandbox, twilio: Client) -> None:
    sandbox.habits(Habits(list_behind=30))
    sids = [sandbox.text("+15550123022", OURS, "x", ago=ago) for ago in (0, 60)]
    assert [one.sid for one in twilio.messages.list(from_="+15550123022")] == [sids[1]]
    sandbox.habits(Habits())


def test_settings_of_a_number_are_kept(twilio: Client) -> None:
    (number,) = twilio.incoming_phone_numbers.list(phone_number="+15550123023")
    twilio.incoming_phone_numbers(str(number.sid)).update(sms_url="https://desk.example.com/x")
    (again,) = twilio.incoming_phone_numbers.list(phone_number="+15550123023")
    assert (again.sid, again.sms_url) == (number.sid, "https://desk.example.com/x")


def test_an_inbound_text_is_signed_and_listed(sandbox: Sandbox, twilio: Client, receiver: Receiver) -> None:
    sid = sandbox.text("+15550123007", OURS, "inbound-word")
    (call,) = receiver.got("inbound-word")
    fields = fields_in(call)
    assert (call.path, fields["MessageSid"], fields["SmsStatus"]) == ("/webhooks/twilio/messages", sid, "received")
    assert (fields["From"], fields["To"], fields["NumMedia"]) == ("+15550123007", OURS, "0")
    assert is_signed(call)
    assert twilio.messages(sid).fetch().direction == "inbound"


def test_inbound_media_is_fetched_with_the_account(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.text("+15550123008", OURS, "media-word", media=[file("cat.jpg", b"jpeg", "image/jpeg")])
    fields = fields_in(receiver.got("media-word")[0])
    account = urllib3.make_headers(basic_auth=f"{ACCOUNT}:{ENVIRONMENT['TWILIO_AUTH_TOKEN']}")
    assert urllib3.request("GET", fields["MediaUrl0"], headers=account).data == b"jpeg"
    assert urllib3.request("GET", fields["MediaUrl0"]).status == 401


def test_media_can_lie_behind_a_redirect(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.text("+15550123008", OURS, "moved-word", media=[file("cat.jpg", b"jpeg", "image/jpeg")])
    url = fields_in(receiver.got("moved-word")[0])["MediaUrl0"]
    account = urllib3.make_headers(basic_auth=f"{ACCOUNT}:{ENVIRONMENT['TWILIO_AUTH_TOKEN']}")
    sandbox.habits(Habits(redirect_media=True))
    moved = urllib3.request("GET", url, headers=account, redirect=False)
    sandbox.habits(Habits())
    assert (moved.status, urllib3.request("GET", moved.headers["Location"]).data) == (307, b"jpeg")


def test_media_we_send_are_fetched_from_us(sandbox: Sandbox, twilio: Client, receiver: Receiver) -> None:
    receiver.files["/files/cat.png"] = b"\x89PNG"
    urls = [f"{PUBLIC_URL}/files/cat.png"]
    sid = twilio.messages.create(to="+15550123016", from_=OURS, media_url=urls, status_callback=CALLBACK).sid
    assert statuses(receiver, str(sid), 2) == ["sent", "delivered"]
    (effect,) = [one for one in sandbox.ledger("twilio", "media") if one["sid"] == sid]
    assert (effect["status"], base64.b64decode(effect["content_base64"])) == (200, b"\x89PNG")


@pytest.mark.parametrize(
    ("prefix", "beginning", "size", "code"),
    [
        ("", b"\xff\xd8\xff of another type", 30, "12300"),
        ("whatsapp:", b"plain text", 10, "12300"),
        ("", b"\x89PNG", 6 << 20, "11751"),
        ("whatsapp:", b"\x89PNG", 6 << 20, "11751"),
    ],
)
def test_media_of_another_type_or_too_large_fail_the_message(
    twilio: Client, receiver: Receiver, prefix: str, beginning: bytes, size: int, code: str
) -> None:
    receiver.files["/files/bad.png"] = beginning.ljust(size, b"\0")
    given = {"media_url": [f"{PUBLIC_URL}/files/bad.png"], "status_callback": CALLBACK}
    sid = twilio.messages.create(to=f"{prefix}+15550123018", from_=f"{prefix}{OURS}", **given).sid
    assert fields_in(receiver.got(str(sid))[0])["ErrorCode"] == code


def test_whatsapp_takes_one_file_a_message(twilio: Client) -> None:
    urls = [f"{PUBLIC_URL}/files/{n}.png" for n in range(2)]
    with pytest.raises(TwilioRestException) as error:
        twilio.messages.create(to="whatsapp:+15550123019", from_=f"whatsapp:{OURS}", media_url=urls)
    assert error.value.code == 21623


def test_media_that_cannot_be_fetched_fail_the_message(twilio: Client, receiver: Receiver) -> None:
    urls = [f"{PUBLIC_URL}/files/none.png"]
    sid = twilio.messages.create(to="+15550123017", from_=OURS, media_url=urls, status_callback=CALLBACK).sid
    fields = fields_in(receiver.got(str(sid))[0])
    assert (fields["MessageStatus"], fields["ErrorCode"]) == ("failed", "11200")


def test_a_whatsapp_message_names_its_writer_and_what_it_answers(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.text("whatsapp:+15550123009", f"whatsapp:{OURS}", "quote-word", replied_sid="SM" + "a" * 32)
    fields = fields_in(receiver.got("quote-word")[0])
    assert (fields["WaId"], fields["MessageType"]) == ("15550123009", "text")
    assert fields["OriginalRepliedMessageSid"] == "SM" + "a" * 32


def test_twilio_does_not_try_again(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"once-word"] = [(503, {}, b"")]
    sandbox.text("+15550123010", OURS, "once-word")
    (record,) = wait_for(
        lambda: [one for one in sandbox.webhooks() if "once-word" in one["body"] and one["done"]], "end"
    )
    assert [attempt["status"] for attempt in record["attempts"]] == [503]


def test_an_answer_in_plain_text_is_sent_to_the_client(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"chatty-word"] = [(200, {"Content-Type": "text/plain"}, b"ok")]
    sandbox.text("+15550123011", OURS, "chatty-word")
    found = wait_for(lambda: [one for one in sandbox.ledger("twilio") if one["to"] == "+15550123011"], "reply")
    assert (found[0]["direction"], found[0]["body"]) == ("outbound-reply", "ok")


def test_an_empty_twiml_answer_sends_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers[b"quiet-word"] = [(200, {"Content-Type": "text/xml"}, b"<Response/>")]
    sandbox.text("+15550123012", OURS, "quiet-word")
    wait_for(lambda: [one for one in sandbox.webhooks() if "quiet-word" in one["body"] and one["done"]], "end")
    assert [one for one in sandbox.ledger("twilio") if one["to"] == "+15550123012"] == []


def test_the_whatsapp_window_can_be_held_at_once(sandbox: Sandbox, twilio: Client) -> None:
    sandbox.habits(Habits(window="answer"))
    with pytest.raises(TwilioRestException) as error:
        twilio.messages.create(to="whatsapp:+15550123013", from_=f"whatsapp:{OURS}", body="x")
    sandbox.habits(Habits())
    assert error.value.code == 63016


def test_the_whatsapp_window_can_be_held_by_callback(sandbox: Sandbox, twilio: Client, receiver: Receiver) -> None:
    sandbox.habits(Habits(window="callback"))
    to, sender = "whatsapp:+15550123014", f"whatsapp:{OURS}"
    message = twilio.messages.create(to=to, from_=sender, body="x", status_callback=CALLBACK)
    fields = fields_in(receiver.got(str(message.sid))[0])
    sandbox.habits(Habits())
    assert (fields["MessageStatus"], fields["ErrorCode"]) == ("failed", "63016")


def test_who_wrote_today_is_inside_the_window(sandbox: Sandbox, twilio: Client) -> None:
    sandbox.habits(Habits(window="answer"))
    sandbox.text("whatsapp:+15550123015", f"whatsapp:{OURS}", "hello")
    sent = twilio.messages.create(to="whatsapp:+15550123015", from_=f"whatsapp:{OURS}", body="x")
    sandbox.habits(Habits())
    assert sent.status == "queued"
