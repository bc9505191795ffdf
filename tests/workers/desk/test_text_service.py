"""A department whose address is a Messaging Service: whatever number of it is written to, the service answers."""

from tests.desk import Desk
from workers.cli.apply import Applier

SERVICE = "MG" + "0a1b" * 8


def test_a_service_is_a_departments_address_whichever_of_its_numbers_is_written_to(desk: Desk) -> None:
    billing = {"name": "Billing", "sms": [SERVICE.upper()], "whatsapp": [SERVICE]}
    with desk.session() as session:
        changes = list(Applier(session=session, channels=desk.tools.channels).apply({"departments": [billing]}))
    assert f"department Billing: phone {SERVICE} added" in changes

    for number in ("+15550107001", "+15550107002"):
        desk.text(f"to {number}", to=number, MessagingServiceSid=SERVICE)
    desk.work()
    assert desk.bodies() == ["to +15550107001", "to +15550107002"]
    desk.say("reply: Paid.", thread=desk.thread(), channel="C0BILLING", user="U0BEN")
    desk.work()
    (sent,) = desk.effects("twilio", "message")
    given = dict(sent["parameters"])  # type: ignore[call-overload]
    assert (given["MessagingServiceSid"], "From" in given) == (SERVICE, False)

    def stop() -> None:
        desk.text("STOP", to="+15550107001", MessagingServiceSid=SERVICE)
        desk.say("reply: Sure?", thread=desk.thread(), channel="C0BILLING", user="U0BEN")
        desk.work()
        assert len(desk.effects("twilio", "message")) == 1
        assert desk.scalars("DELETE FROM suppressions RETURNING sender") == [SERVICE]

    stop()
    desk.pick("more", f"block:{desk.ticket().id}", channel="C0BILLING", user="U0BEN")
    desk.work()
    stop()


def test_a_number_that_is_a_departments_own_stays_it_within_a_service(desk: Desk) -> None:
    desk.text("Hello", MessagingServiceSid=SERVICE)
    desk.work()
    desk.say("Hi.", thread=desk.thread())
    desk.work()
    (sent,) = desk.effects("twilio", "message")
    assert sent["from"] == "+15550100001"
