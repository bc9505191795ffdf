"""What follows from each of Twilio's codes, whether an answer to our call or a report brings it."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from twilio.base.exceptions import TwilioRestException

from channels.base import DeliveryReport, RawEvent, ReportState
from channels.errors import SendError, Stopped, TooMany, TryLater, Undeliverable, WindowClosed
from channels.twilio.parse import parse
from channels.twilio.send import send_error
from channels.twilio.troubles import TROUBLES

FINAL, LATER, STOP = Undeliverable, TryLater, Stopped


@dataclass(frozen=True, slots=True)
class Row:
    """A code, what an answer with it raises, what it says of the address, and whether a report has us send again."""

    code: int
    raised: type[SendError]
    address: str = ""
    again: bool = False
    told: str = ""


TABLE = [
    Row(63016, WindowClosed, told="24 hours"),
    Row(21610, FINAL, "opted out", told="opted out"),
    Row(21211, FINAL, "bad"),
    Row(21614, FINAL, "bad"),
    Row(21635, FINAL, "bad", told="landline"),
    Row(21408, FINAL, told="operator"),
    Row(30002, STOP, again=True, told="suspended"),
    Row(30003, LATER, again=True, told="off"),
    Row(30004, FINAL, told="blocks"),
    Row(30005, FINAL, "bad"),
    Row(30006, FINAL, "bad"),
    Row(30007, FINAL, told="filtered"),
    Row(30008, LATER, again=True),
    Row(63018, TooMany, again=True),
    Row(63017, TooMany, again=True),
    Row(63024, FINAL, "bad"),
    Row(63003, FINAL, "bad"),
    Row(63013, FINAL, told="policy"),
    Row(63021, FINAL, told="file"),
    Row(63030, FINAL, told="file"),
    Row(20429, TooMany, again=True),
    Row(30036, LATER, again=True),
    Row(21611, TooMany, again=True),
    Row(20003, STOP, again=True, told="TWILIO_AUTH_TOKEN"),
    Row(11751, FINAL, told="too large"),
    Row(12300, FINAL, told="type"),
]
every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.code))


def answered(code: int, text: str = "The number +15550100001 is wrong", status: int = 400) -> SendError:
    return send_error(TwilioRestException(status, "/Messages", text, code=code))


def reported(code: str, text: str = "") -> DeliveryReport:
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": code, "ErrorMessage": text}
    facts = {"kind": "status", "key": "k"}
    event = RawEvent(channel="sms", external_id="x", conversation="x", payload=urlencode(form).encode(), facts=facts)
    (report,) = parse(event)
    assert isinstance(report, DeliveryReport)
    return report


@every_row
def test_an_answer_with_a_code_has_its_consequence(row: Row) -> None:
    error = answered(row.code)
    assert type(error) is row.raised
    assert row.told in str(error)
    if isinstance(error, Undeliverable):
        assert (error.code, error.bad_address, error.opted_out) == (
            str(row.code),
            row.address == "bad",
            row.address == "opted out",
        )


@every_row
def test_a_report_with_a_code_has_the_same_consequence(row: Row) -> None:
    report = reported(str(row.code))
    assert (report.state, report.code, report.detail) == (
        ReportState.FAILED,
        str(row.code),
        TROUBLES[str(row.code)].words,
    )
    assert (report.bad_address, report.opted_out) == (row.address == "bad", row.address == "opted out")
    assert (report.again_after is not None, report.stopped) == (row.again, row.raised is STOP)
    assert report.window_closed is (row.raised is WindowClosed)
    assert report.again_after is None or 60 <= report.again_after <= 600


def test_a_code_we_know_nothing_of_keeps_what_twilio_says_without_numbers_or_control_characters() -> None:
    text = "Carrier\x07 of\n+1 (555) 010-0001 says no" + "!" * 500
    for said in (str(answered(99999, text)), reported("99999", text).detail):
        assert said.startswith("Twilio says: Carrier\N{REPLACEMENT CHARACTER} of … says no!!!")
        assert len(said) < 250
    assert reported("99999", text).code == "99999"
    assert reported("99999").detail == "Twilio refused it without a reason we know."


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (403, 55555), (400, 0)])
def test_other_refusals_are_final_and_spare_the_address(status: int, code: int) -> None:
    error = answered(code, status=status)
    assert isinstance(error, Undeliverable)
    assert (error.bad_address, error.opted_out) == (False, False)
    assert "5550100001" not in str(error)
