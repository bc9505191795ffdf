"""Thanks end a conversation: they open nothing again, and are kept and shown."""

import pytest

from tests.desk import Desk
from workers.desk.thanks import is_thanks

THANKS = (
    *("thanks", "Thanks!", "THANK YOU", "thx", "great, thank you!", "Thank you so much 😊", "thanks Ada!", "*thanks*"),
    *("👍", "👍🏽👍", "❤️", "+1", "thanks :)", "ok thanks\n\nCleo", "It works now, many thanks to all of you."),
    *("danke", "Vielen Dank!", "Danke schön, alles klar", "merci", "Merci beaucoup pour votre aide !"),
    *(
        "¡Muchas gracias!",
        "mil gracias",
        "obrigada",
        "Muito obrigado pela ajuda",
        "grazie mille",
        "Bedankt",
        "dank je wel",
    ),
    *("Tack så mycket", "Tusen takk", "kiitos", "Dziękuję bardzo", "díky moc", "teşekkürler", "Спасибо большое!"),
    *("дякую", "ευχαριστώ πολύ", "ありがとうございます\uff01", "谢谢", "감사합니다", "شكراً", "תודה"),
)
MORE = (
    *("", "ok", "great", "🎉", "thanks?", "Thanks, but it burns again", "thanks :(", "thanks 👎", "no thanks"),
    *(
        "Thanks, when will it come",
        "thanks 2",
        "Thanks Bob",
        "Thanks\uff1f",
        "شكرا؟",
        "danke, geht nicht",
        "merci de rappeler",
    ),
    *("thanks " * 20, "Thanks.\n\nOne more thing", "https://thanks.example", "not fixed, thanks", "kein Dank"),
)


@pytest.mark.parametrize(("texts", "thanks"), [(THANKS, True), (MORE, False)], ids=["thanks", "more"])
def test_thanks_in_any_tongue_are_told_from_what_is_more(texts: tuple[str, ...], thanks: bool) -> None:  # noqa: FBT001 (a row of the table)
    assert [text for text in texts if is_thanks(text, ["Cleo Client", "Ada Agent"]) is not thanks] == []


@pytest.mark.parametrize("way", ["mail", "sms", "whatsapp", "slack"])
def test_on_every_channel_thanks_are_kept_and_shown_and_leave_the_ticket_closed(desk: Desk, way: str) -> None:
    first = ""

    def write(body: str) -> None:
        nonlocal first
        prefix = "whatsapp:" if way == "whatsapp" else ""
        if way == "mail":
            name = desk.mail(body, headers={"In-Reply-To": first} if first else None)
        elif way == "slack":
            name = desk.say(body, user="U0CLEO", channel="C0CLIENTS", thread=first)
        else:
            name = desk.text(body, sender=f"{prefix}{desk.phone}", to=f"{prefix}+155501000{'02' if prefix else '01'}")
        first = first or name
        desk.work()

    write("My order has not come")
    desk.say("Tomorrow.", thread=desk.thread())
    desk.press("close", desk.ticket().id)
    desk.work()
    write("Thanks, Ada!")
    assert (desk.ticket().status, desk.bodies()[-1], desk.rules()[-1]) == ("closed", "Thanks, Ada!", "thanks")
    assert "Thanks, Ada!" in desk.in_thread()
    write("Thanks, but it is the wrong one")
    assert (desk.ticket().status, desk.ticket().closed_at) == ("waiting_for_agent", None)


def test_a_file_with_the_thanks_is_more_than_thanks(desk: Desk) -> None:
    first = desk.mail()
    desk.work()
    desk.press("close", desk.ticket().id)
    desk.work()
    desk.mail("Thanks!", headers={"In-Reply-To": first}, files=[("bill.pdf", b"%PDF")])
    desk.work()
    assert desk.ticket().status == "waiting_for_agent"
