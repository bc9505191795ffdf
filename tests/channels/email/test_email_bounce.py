import pytest

from channels.base import InboundMessage, ReportState
from channels.email import automatic, bounce, mime
from channels.email.body import Body
from channels.email.parse import parse
from tests.channels.email import bounce_samples
from tests.channels.email.bounce_samples import BOUNCES, DELAYS
from tests.channels.email.machine_samples import MACHINES, envelope_sender, machine
from tests.channels.email.mail_samples import OUR_ID, arrived, mail, report, sample

# By which rule each shape is recognised; the others by their text alone.
FORMS = {
    "postfix": "status_part",
    "exchange": "status_part",
    "full": "status_part",
    "general_status": "status_part",
    "given_up": "status_part",
    "exim": "failed_header",
    "fields_in_text": "status_text",
}
# What people write who have trouble with mail, or get it from machines; under names that look like machines' too.
PEOPLE = {
    "asks": mail("My order could not be delivered: 550 User unknown?", Subject="Undeliverable"),
    "passes_on": mail("--- Below this line is a copy of the message.\n\nReceived: x\n", Subject="Fwd: failure notice"),
    "answers": mail("It was not delivered.", Subject="Re: Undelivered Mail", From="Jo <postmaster@firm.example>"),
    "postmaster": mail("Please change our plan.", Subject="Our plan", From="Jo <postmaster@firm.example>"),
    "quotes": mail(
        "Why?\n\n> Your mail could not be delivered to jo@firm.example\n",
        Subject="A question",
        From="Jo <mailer@firm.example>",
    ),
    "attaches": mail(
        "--b\nContent-Type: text/plain\n\nWhat is this?\n--b\nContent-Type: message/rfc822\n\n"
        + sample("bounces/postfix").decode()
        + "\n--b--",
        Content_Type="multipart/mixed; boundary=b",
        Subject="Look",
    ),
    "passes_parts_on": mail(
        "--b\nContent-Type: text/plain\n\nIt could not be delivered, why?\n--b\nContent-Type: message/delivery-status;"
        " name=details.txt\n\nFinal-Recipient: rfc822; jo@x.example\nAction: failed\nStatus: 5.1.1\n--b--",
        Content_Type="multipart/mixed; boundary=b",
        Subject="What is this",
    ),
    "absent": mail("I'll be out of the office next week, call me.", Subject="Out of office"),
    "absent_child": mail(
        "Max ist am Montag nicht da.", Subject="Abwesenheit Max am Montag", In_Reply_To="<a@desk.example>"
    ),
    "automatic": mail("Your automatic reply: is it broken?", Subject="Automatic reply broken"),
    "automatic_subject": mail("Please switch this off.", Subject="Automatic reply: who needs it?"),
    "answers_automatic": mail("I am on vacation too.", Subject="Re: Automatic reply: hello"),
    "full": mail("My mailbox is full, what now?", Subject="Mailbox full"),
}


@pytest.mark.parametrize("name", BOUNCES)
def test_a_bounce_says_whom_it_did_not_reach_and_why(name: str) -> None:
    found = bounce.find(mime.read(bounce_samples.bounce(name)), "")
    assert found is not None
    assert (found.recipient, found.status, found.state) == ("cleo@client.example", BOUNCES[name][0], ReportState.FAILED)
    assert found.message_id == OUR_ID
    assert found.rule == FORMS.get(name, "system_text")
    assert "@" not in found.detail


@pytest.mark.parametrize("name", DELAYS)
def test_a_delay_is_told_from_a_failure_by_form_and_by_words(name: str) -> None:
    found = bounce.find(mime.read(bounce_samples.bounce(name)), "")
    assert found is not None
    assert (found.recipient, found.state, found.status[0]) == ("cleo@client.example", ReportState.DELAYED, "4")


@pytest.mark.parametrize("name", ["full", "exim", "russian", "opensmtpd"])
def test_only_a_bad_address_is_held_against_the_address(name: str) -> None:
    assert report(bounce_samples.bounce(name)).bad_address is BOUNCES[name][1]


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_who_writes_of_bounces_or_absence_is_a_person(name: str) -> None:
    root = mime.read(PEOPLE[name])
    sender = "machine_sender" if b"postmaster@" in PEOPLE[name].partition(b"\r\n")[0] else ""
    assert bounce.find(root, "jo@firm.example") is None
    assert automatic.judge(Body(root), "jo@firm.example", ["support@desk.example"])[1] == sender


def test_no_other_machine_is_a_bounce() -> None:
    bounces = {"dsn_failed", "dsn_delayed", "dsn_in_words", "mailer_daemon_without_domain"}
    found = {
        name for name in MACHINES if bounce.find(mime.read(machine(name)), envelope_sender(machine(name))) is not None
    }
    assert found == bounces


def test_every_machine_is_known_for_one() -> None:
    ours = ["support@desk.example"]
    assert [name for name in MACHINES if not automatic.judge(Body(mime.read(machine(name))), None, ours)[1]] == []


def test_a_report_of_success_is_a_report_and_no_bounce() -> None:
    delivered = sample("bounce").replace(b"Action: failed", b"Action: delivered").replace(b"5.1.1", b"2.0.0")
    assert bounce.find(mime.read(delivered), "") is None
    assert report(delivered).state is ReportState.DELIVERED


def test_the_gravest_of_several_recipients_counts() -> None:
    other = (
        b"\r\nFinal-Recipient: rfc822; eve@client.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient"
    )
    found = bounce.find(mime.read(sample("bounce").replace(b"\r\nFinal-Recipient", other, 1)), "")
    assert found is not None
    assert (found.recipient, found.status) == ("jane@client.example", "5.1.1")


def test_a_mail_system_without_an_address_about_no_mail_of_ours_is_nothing_for_us() -> None:
    assert parse(arrived(machine("mailer_daemon_without_domain"), mail_from="")) == ()


def test_a_record_of_a_program_is_read_like_a_notice() -> None:
    said = '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"cleo@client.example",'
    said += '"status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}'
    found = bounce.find(mime.read(mail(said, From="no-reply@notices.example")), "a@notices.example")
    assert found is not None
    assert (found.recipient, found.status, found.rule) == ("cleo@client.example", "5.1.1", "machine_text")


def test_a_message_id_inside_another_is_not_ours() -> None:
    inside = bounce_samples.bounce("qmail", f"x-{OUR_ID}")
    (found,) = parse(arrived(inside, mail_from=""))
    assert isinstance(found, InboundMessage)
