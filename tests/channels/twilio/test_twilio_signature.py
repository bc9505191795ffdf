import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from channels.base import Request
from channels.errors import Refused
from channels.twilio.signature import TwilioWebhook

TOKEN = "canary-token"
URL = "https://desk.example.com/webhooks/twilio/messages"
PATH = "/webhooks/twilio/messages"
FORM = [
    ("MessageSid", "SM1"),
    ("From", "+15550100001"),
    ("To", "+15550100002"),
    ("Body", "Grüße & <b>"),
    ("NumMedia", "0"),
]
WEBHOOK = TwilioWebhook(token=TOKEN)


def signed(text: str, token: str = TOKEN, algorithm: str = "sha1") -> str:
    return base64.b64encode(hmac.new(token.encode(), text.encode(), algorithm).digest()).decode()


def signature(url: str, form: list[tuple[str, str]], token: str = TOKEN, algorithm: str = "sha1") -> str:
    return signed(url + "".join(name + value for name, value in sorted(set(form))), token, algorithm)


def request(
    url: str = URL, body: bytes | None = None, headers: Mapping[str, str] | None = None, path: str = PATH
) -> Request:
    content = {"content-type": "application/x-www-form-urlencoded"}
    headers = {"x-twilio-signature": signature(URL, FORM)} if headers is None else headers
    return Request(
        url=url, path=path, headers={**content, **headers}, body=urlencode(FORM).encode() if body is None else body
    )


def test_a_genuine_call_is_accepted() -> None:
    WEBHOOK.verify(request())


def test_repeated_fields_are_signed_too() -> None:
    form = [*FORM, ("Tag", "b"), ("Tag", "a")]
    headers = {"x-twilio-signature": signature(URL, form)}
    WEBHOOK.verify(request(body=urlencode(form).encode(), headers=headers))
    with pytest.raises(Refused):
        WEBHOOK.verify(request(body=urlencode([*form, ("Tag", "c")]).encode(), headers=headers))


def test_fields_in_another_order_are_the_same_call() -> None:
    WEBHOOK.verify(request(body=urlencode(FORM[::-1]).encode()))


@pytest.mark.parametrize("port", ["", ":443"])
def test_the_default_port_may_be_written_or_not(port: str) -> None:
    url = f"https://desk.example.com{port}{PATH}"
    WEBHOOK.verify(request(headers={"x-twilio-signature": signature(url, FORM)}))


def test_a_json_body_is_signed_through_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"content-type": "application/json", "x-twilio-signature": signed(url)}
    WEBHOOK.verify(request(url=url, body=body, headers=headers))
    with pytest.raises(Refused):
        WEBHOOK.verify(request(url=url, body=b'{"a": 2}', headers=headers))


def test_the_newer_hash_is_understood() -> None:
    settings = {"x-twilio-webhooks-signature-settings": "key=one,algorithm=HMAC_SHA256"}
    WEBHOOK.verify(request(headers={"x-twilio-signature": signature(URL, FORM, algorithm="sha256"), **settings}))
    with pytest.raises(Refused):
        WEBHOOK.verify(request(headers={"x-twilio-signature": signature(URL, FORM), **settings}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-twilio-signature": ""},
        {"x-twilio-signature": "é"},
        {"x-twilio-signature": "\udcff"},
        {"x-twilio-signature": signature(URL, FORM)[:-1]},
        {"x-twilio-signature": signature(URL, FORM) + "="},
        {"x-twilio-signature": signature(URL, FORM, token="another")},
        {"x-twilio-signature": signature(URL, FORM, token="")},
        {"x-twilio-signature": signature(URL + "/", FORM)},
        {"x-twilio-signature": signature("http" + URL[5:], FORM)},
        {"x-twilio-signature": signature("https://evil.example.com" + PATH, FORM)},
        {"x-twilio-signature": signature(URL, FORM[:-1])},
        {"x-twilio-signature": signature(URL, FORM), "content-type": "application/json"},
        {"x-twilio-signature": signature(URL, FORM), "x-twilio-webhooks-signature-settings": "algorithm=none"},
    ],
)
def test_any_other_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.verify(request(headers=headers))
    assert caught.value.status == 403


@pytest.mark.parametrize("body", [b"", b"MessageSid=SM2", b"\xff\xfe", b"%ff=%fe", b"{", b"a&" * 500])
def test_any_other_body_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.verify(request(body=body))
    assert caught.value.status == 403


@pytest.mark.parametrize("url", ["https://desk.example.com:x/", "https://[", "", "\udcff"])
def test_a_url_that_breaks_the_library_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.verify(request(url=url))
    assert caught.value.status == 403


def test_a_body_over_one_mebibyte_is_too_large() -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.verify(request(body=b"a" * (1024 * 1024 + 1)))
    assert caught.value.status == 413


def test_without_a_token_even_its_own_signature_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        TwilioWebhook(token="").verify(request(headers={"x-twilio-signature": signature(URL, FORM, token="")}))
    assert caught.value.status == 403


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(WEBHOOK)


def test_a_message_is_stored_untouched_under_its_sid() -> None:
    receipt = WEBHOOK.receive(request())
    (event,) = receipt.events
    assert (event.channel, event.external_id, event.conversation) == ("sms", "SM1", "phone:+15550100001")
    assert event.payload == urlencode(FORM).encode()
    assert event.facts == {"kind": "message", "key": ""}
    assert (receipt.body, receipt.content_type) == ("<Response/>", "text/xml")


def test_a_whatsapp_message_goes_to_its_own_channel() -> None:
    body = urlencode({"MessageSid": "SM1", "From": "whatsapp:+15550100001", "To": "whatsapp:+15550100002"}).encode()
    (event,) = WEBHOOK.receive(request(body=body)).events
    assert (event.channel, event.conversation) == ("whatsapp", "whatsapp:+15550100001")


def test_every_status_of_a_message_is_an_event_of_its_own() -> None:
    path = "/webhooks/twilio/status/0c7e1f1e-5f0b-4a9e-8d6a-1f1d7a3f0b11"
    body = b"MessageSid=SM1&MessageStatus=delivered&From=whatsapp%3A%2B1555&To=whatsapp%3A%2B1556"
    (event,) = WEBHOOK.receive(request(path=path, body=body)).events
    assert (event.channel, event.external_id, event.conversation) == (
        "whatsapp",
        f"status:SM1:delivered:{path.rpartition('/')[2]}",
        "SM1",
    )
    assert event.facts == {"kind": "status", "key": "0c7e1f1e-5f0b-4a9e-8d6a-1f1d7a3f0b11"}


def test_a_signed_call_without_an_id_is_stored_all_the_same() -> None:
    (event,) = WEBHOOK.receive(request(body=b"Body=hello")).events
    assert event.external_id.startswith("sha256:")


@pytest.mark.parametrize(
    "path", ["/webhooks/twilio/", "/webhooks/twilio/statuses", "/webhooks/twilio/status/../x", "/x"]
)
def test_other_paths_do_not_exist(path: str) -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.receive(request(path=path))
    assert caught.value.status == 404


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        WEBHOOK.receive(request(body=b"&".join(b"f%d=1" % n for n in range(201))))
    assert caught.value.status == 400
