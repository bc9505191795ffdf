from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from channels.base import Attachment, Automatic, ExternalId, OutboundMessage
from channels.email import connect
from tests.channels.email.mail_samples import KEY, OUR_ID, TOKEN
from tests.channels.email.scripted_relay import relay
from tests.dkim_key import Key

HELLO = ("220 relay", "250 relay", "250 ok", "250 ok", "354 go", "250 queued")
MAIL = OutboundMessage(
    idempotency_key=KEY,
    to=ExternalId(type="email", value="jane@client.example"),
    sender=ExternalId(type="email", value="support@desk.example"),
    sender_name="Änne · Support",
    subject="Re: Die Rechnung fällt aus",
    body="line  \n.\n..two\n\n\n",
    references=tuple(f"message-{at}@client.example" for at in range(40)),
    attachments=(Attachment(name="a.bin", data=bytes(range(256)) * 40),),
    thread=TOKEN,
    automatic=Automatic.ANSWER,
    written_at=datetime(2026, 11, 2, 12, 0, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key.made_in(tmp_path_factory.mktemp("dkim"))


def sent(environment: dict[str, str], mail: OutboundMessage = MAIL) -> bytes:
    """Send through a relay and return the mail as the relay got it, unstuffed."""
    with relay(*HELLO) as scripted:
        settings = {"SMTP_RELAY_URL": f"smtp://127.0.0.1:{scripted.port}", "SMTP_HOSTNAME": "desk.example"}
        (channel,) = connect({**settings, **environment}).channels
        assert channel.send(mail).value.rpartition("@")[0] == OUR_ID.rpartition("@")[0]
    said = scripted.heard.partition(b"DATA\r\n")[2].removesuffix(b".\r\n")
    return b"\r\n".join(line.removeprefix(b".") for line in said.split(b"\r\n"))


def test_a_signed_mail_verifies_and_every_header_of_it_is_signed(key: Key) -> None:
    mail = sent(key.settings)
    assert dkim.verify(mail, dnsfunc=key.dns)
    found = message_from_bytes(mail)
    signed = {word.strip().lower() for word in tags(mail)["h"].split(":")}
    assert signed == {name.lower() for name in found if name != "DKIM-Signature"}
    assert {"auto-submitted", "precedence", "mime-version", "in-reply-to", "reply-to", "message-id"} <= signed


def tags(mail: bytes) -> dict[str, str]:
    header = "".join(message_from_bytes(mail)["DKIM-Signature"].split())
    return dict(tag.split("=", 1) for tag in header.split(";"))


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda mail: mail.replace(b"..two", b"..six"),
    "subject": lambda mail: mail.replace(b"Subject: ", b"Subject: Fwd ", 1),
    "a second From": lambda mail: b"From: other@desk.example\r\n" + mail,
    "a second Subject": lambda mail: b"Subject: other\r\n" + mail,
    "another Reply-To": lambda mail: b"Reply-To: <other@evil.example>\r\n" + mail,
    "no mark of a machine": lambda mail: mail.replace(b"auto-replied", b"no", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_mail_does_not_verify(key: Key, change: Callable[[bytes], bytes]) -> None:
    mail = sent(key.settings)
    changed = change(mail)
    assert changed != mail
    assert not dkim.verify(changed, dnsfunc=key.dns)


@pytest.mark.parametrize(
    ("sender", "signed"),
    [
        ("support@desk.example", True),
        ("support@mail.desk.example", True),
        ("support@notdesk.example", False),
        ("support@desk.example.org", False),
        ("support@example", False),
    ],
)
def test_only_mail_from_our_domain_and_below_it_is_signed(key: Key, sender: str, signed: bool) -> None:  # noqa: FBT001 (a row of the table)
    mail = sent(key.settings, replace(MAIL, sender=ExternalId(type="email", value=sender)))
    assert (b"DKIM-Signature" in mail) == signed
    assert dkim.verify(mail, dnsfunc=key.dns) == signed


def test_every_attempt_is_the_same_mail_but_for_the_signatures_time(key: Key) -> None:
    once, again = (sent(key.settings).partition(b"\r\nFrom:")[2] for _ in range(2))
    assert once == again
    assert b"Date: Mon, 02 Nov 2026 12:00:00 +0000" in once


def bare(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b"") -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


USUAL = rsa.generate_private_key(public_exponent=65537, key_size=2048)
BAD = {
    "nothing": (b"", "no private key"),
    "no key": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no private key"),
    "a cut key": (bare(USUAL)[:900], "no private key"),
    "a password": (bare(USUAL, b"canary-password"), "with a password"),
    "Ed25519": (bare(ed25519.Ed25519PrivateKey.generate()), "must hold an RSA key"),
    "512 bits": (Path(__file__).with_name("dkim_512_bits.pem").read_bytes(), "1024 bits or more"),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_a_key_that_cannot_sign_is_refused_at_the_start_with_a_sentence(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "dkim.pem"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="DKIM_KEY_FILE") as caught:
        connect({"DKIM_DOMAIN": "desk.example", "DKIM_SELECTOR": "s1", "DKIM_KEY_FILE": str(file)})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


FORMS = (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_key_may_be_written_in_either_form_and_with_any_line_ends(
    tmp_path: Path, form: serialization.PrivateFormat
) -> None:
    file = tmp_path / "dkim.pem"
    pem = USUAL.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    file.write_bytes(pem.replace(b"\n", b"\r\n"))
    one = Key(file=file, public=USUAL.public_key())
    assert dkim.verify(sent(one.settings), dnsfunc=one.dns)


@pytest.mark.parametrize("missing", ["DKIM_DOMAIN", "DKIM_SELECTOR", "DKIM_KEY_FILE"])
def test_half_of_the_settings_are_refused(key: Key, missing: str) -> None:
    with pytest.raises(ValueError, match=f"{missing} is not set"):
        connect({**key.settings, missing: ""})


@pytest.mark.parametrize(("name", "value"), [("DKIM_DOMAIN", "desk.example; x"), ("DKIM_SELECTOR", "a\r\nBcc: b")])
def test_names_that_are_none_are_refused(key: Key, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        connect({**key.settings, name: value})


def test_a_missing_file_is_refused(key: Key) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        connect({**key.settings, "DKIM_KEY_FILE": "/nowhere.pem"})
