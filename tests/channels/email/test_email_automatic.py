from dataclasses import replace

import pytest

from channels.base import Automatic, DeliveryReport, InboundMessage, ReportState
from channels.email import automatic, mime
from channels.email.body import Body
from channels.email.parse import parse
from tests.channels.email.mail_samples import KEY, OUR_ID, arrived, mail, message, report, sample

MARKS = [
    (Automatic.NO, {"Auto_Submitted": "no"}),
    (Automatic.NO, {"Subject": "Afwezig volgende week"}),
    (Automatic.NO, {"X_Auto_Response_Suppress": "None"}),
    (Automatic.NO, {"X_Frontdesk": f"<{OUR_ID.replace('desk.example', 'other-desk.example')}>"}),
    (Automatic.ANSWER, {"Auto_Submitted": "auto-replied (vacation)"}),
    (Automatic.ANSWER, {"Subject": "Automatic reply: Invoice", "Auto_Submitted": "auto-generated"}),
    (Automatic.NOTICE, {"Subject": "Réponse automatique : facture", "X_Auto_Response_Suppress": "All"}),
    (Automatic.NOTICE, {"Subject": "Abwesenheit: bitte Paket nicht liefern", "X_Auto_Response_Suppress": "OOF"}),
    (Automatic.ANSWER, {"X_Autoreply": "yes"}),
    (Automatic.ANSWER, {"Precedence": "auto_reply"}),
    (Automatic.ANSWER, {"Content_Type": "multipart/report; report-type=disposition-notification; boundary=b"}),
    (Automatic.NOTICE, {"Auto_Submitted": "auto-generated"}),
    (Automatic.NOTICE, {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"}),
    (Automatic.NOTICE, {"Precedence": "bulk"}),
    (Automatic.NOTICE, {"List_Unsubscribe": "<https://shop.example/u>"}),
    (Automatic.NOTICE, {"From": "no-reply@shop.example"}),
    (Automatic.NOTICE, {"From": "MAILER-DAEMON@shop.example"}),
    (Automatic.NOTICE, {"From": "support@desk.example"}),
    (Automatic.ECHO, {"X_Frontdesk": f"<{OUR_ID}>"}),
    (Automatic.ECHO, {"Message_ID": f"<{OUR_ID}>"}),
]


@pytest.mark.parametrize(("kind", "fields"), MARKS)
def test_marks_of_machines_are_told_apart(kind: Automatic, fields: dict[str, str]) -> None:
    assert message(mail(**fields)).automatic is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vacation", Automatic.ANSWER),
        ("mailing_list", Automatic.NOTICE),
        ("own_group", Automatic.NO),
        ("echo", Automatic.ECHO),
        ("gmail_reply", Automatic.NO),
    ],
)
def test_whole_mails_are_told_apart(name: str, kind: Automatic) -> None:
    assert message(sample(name)).automatic is kind


def test_a_null_sender_is_a_notice_and_with_our_id_an_answer() -> None:
    assert message(mail(), mail_from="").automatic is Automatic.NOTICE
    assert message(mail(In_Reply_To=f"<{OUR_ID}>"), mail_from="").automatic is Automatic.ANSWER


def test_the_rule_that_decided_has_a_name() -> None:
    assert automatic.judge(Body(mime.read(mail(Precedence="bulk"))), "a@x", ["support@desk.example"])[1] == "bulk"
    assert automatic.judge(Body(mime.read(mail())), "a@x", [])[1] == ""


def test_a_bounce_says_what_became_of_our_mail() -> None:
    found = report(sample("bounce"))
    assert found.external_id is not None
    assert (found.external_id.value, found.idempotency_key) == (OUR_ID, KEY)
    assert (found.state, found.code, found.bad_address) == (ReportState.FAILED, "5.1.1", True)
    assert found.detail == "550 5.1.1 …: Recipient address rejected: User unknown"


def test_a_delay_is_no_failure() -> None:
    found = report(sample("delayed"))
    assert (found.state, found.code, found.bad_address) == (ReportState.DELAYED, "4.4.1", False)


def test_giving_up_after_delays_is_a_failure_of_a_good_address() -> None:
    found = report(sample("bounce").replace(b"Status: 5.1.1", b"Status: 4.4.7"))
    assert (found.state, found.code, found.bad_address) == (ReportState.FAILED, "4.4.7", False)


def test_a_bounce_is_matched_by_our_loop_header_when_the_relay_changed_the_id() -> None:
    changed = sample("bounce").replace(b"Message-ID: <t42", b"Message-ID: <new@relay.example>\r\nX-Frontdesk: <t42")
    assert report(changed).idempotency_key == KEY


@pytest.mark.parametrize("mail_from", ["jane@client.example", "MAILER-DAEMON@mx.desk.example"])
def test_a_bounce_from_somebodys_address_is_a_notice(mail_from: str) -> None:
    assert message(sample("bounce"), mail_from=mail_from).automatic is Automatic.NOTICE


def test_a_bounce_without_an_envelope_is_a_notice() -> None:
    event = arrived(sample("bounce"), mail_from="")
    (found,) = parse(replace(event, facts={name: fact for name, fact in event.facts.items() if name != "mail_from"}))
    assert isinstance(found, InboundMessage)
    assert found.automatic is Automatic.NOTICE


@pytest.mark.parametrize("id_", [f"fd.{KEY}@desk.example", f"fd.{KEY}@{OUR_ID}", f"t42.short.{KEY}@desk.example"])
def test_a_bounce_of_a_mail_without_a_token_is_a_notice(id_: str) -> None:
    tokenless = sample("bounce").replace(OUR_ID.encode(), id_.encode())
    assert message(tokenless, mail_from="").automatic is Automatic.NOTICE


def test_the_null_sender_may_be_written_with_brackets() -> None:
    (found,) = parse(arrived(sample("bounce"), mail_from="<>"))
    assert isinstance(found, DeliveryReport)


def test_a_bounce_of_no_mail_of_ours_is_a_notice() -> None:
    (found,) = parse(arrived(sample("bounce_of_other"), mail_from=""))
    assert isinstance(found, InboundMessage)
    assert (found.automatic, found.body) == (Automatic.NOTICE, "Your message could not be delivered.")
