"""The steps of the demo, in their order: each does something and checks what came of it."""

import base64
import json
import re
import time
import urllib.request
from collections.abc import Callable

from sandbox.client import file, wait_for
from workers.cli.play import ADA, AGENTS, BEN, BILLING, CLIENT_IN_SLACK, CLIENTS, Play, StepFailedError
from workers.cli.play_home import agents_find_their_work, message_becomes_a_ticket

PHONE, SMS_NUMBER = "+15557654321", "+15550100001"
WHATSAPP, WHATSAPP_NUMBER = "whatsapp:+15557650000", "whatsapp:+15550100002"
LANDLINE = "+15005550001"
BURST = 30


def mail_becomes_a_ticket(play: Play) -> None:
    """Turn a client's mail into a ticket, a card and a thread."""
    play.mail(
        "Hello,\n\nthe printer burns. A picture is attached.\n\nCleo",
        subject="Printer on fire",
        files=[file("fire.png", b"\x89PNG fire", "image/png")],
    )
    play.cards["mail"] = card = play.card("Printer on fire")
    play.in_thread(card, "the printer burns")
    # In quotation marks, as a file's name stands in JSON: without them it would also be the mark of an unscanned file.
    play.check(play.in_thread(card, '"fire.png"'), "the agents have a card, the text in its thread, and the picture")


def agent_answers_by_mail(play: Play) -> None:
    """Answer in the thread, and the client gets a mail."""
    ts = play.answer(play.cards["mail"], "Pull the plug, please.")
    play.show("Ada wrote in the thread")
    mail = play.first_mail = play.mail_with("Pull the plug, please.")
    play.check("cleo@client.example" in mail["To"] and not mail["Cc"], "the mail went to the client and nobody else")
    play.check("[#" in mail["Subject"] and mail["In-Reply-To"], f"it answers their mail: {mail['Subject']}")
    play.check(re.search(r"support\+t\d+\.", mail["Reply-To"] or ""), "its Reply-To bears the ticket's token")
    play.check(mail.get_content_type() == "multipart/alternative", "it has a text and an HTML part")
    play.check(play.marked(ts, "white_check_mark"), "Ada sees ✅ on her own message")


def client_answers_by_mail(play: Play) -> None:
    """Lead the client's answer back to the same ticket."""
    mail = play.first_mail
    if mail is None:
        raise StepFailedError("there was no mail to answer")
    quoted = "It is out now. Thank you!\n\nOn Mon, 5 Jan 2026 at 10:00, Ada Agent wrote:\n> Pull the plug, please.\n"
    play.mail(
        quoted,
        subject=f"Re: {mail['Subject']}",
        to=str(mail["Reply-To"]),
        headers={"In-Reply-To": str(mail["Message-ID"])},
    )
    play.in_thread(play.cards["mail"], "It is out now.")
    last = play.messages(play.ticket(play.cards["mail"]))[-1]
    play.check(last["threaded_by"] == "reply_token", "the reply token led it to the ticket")
    play.check("Pull the plug" not in last["text"], "the quoted part was left out")


def sms_conversation(play: Play) -> None:
    """Hold a conversation by SMS."""
    play.sandbox.text(PHONE, SMS_NUMBER, "My order has not come")
    play.cards["sms"] = card = play.card("My order has not come")
    ts = play.answer(card, "It comes tomorrow.")
    sent = play.text_with("It comes tomorrow.")
    play.check(sent["to"] == PHONE and sent["from"] == SMS_NUMBER, "the answer went back from the number they wrote to")
    play.check(play.marked(ts, "white_check_mark"), "Ada sees ✅ once Twilio reports it delivered")
    play.sandbox.text(PHONE, SMS_NUMBER, "Great")
    play.in_thread(card, "Great")
    play.check(len(play.messages(play.ticket(card))) == 3, "the next text went on in the same ticket")  # noqa: PLR2004 (question, answer, thanks)


def whatsapp_begins(play: Play) -> None:
    """Begin a WhatsApp conversation, answer it and close it."""
    play.sandbox.text(WHATSAPP, WHATSAPP_NUMBER, "Which colours are there?")
    play.cards["whatsapp"] = card = play.card("Which colours are there?")
    play.answer(card, "Red and blue.")
    play.check(play.text_with("Red and blue.")["to"] == WHATSAPP, "the answer came by WhatsApp")
    play.sandbox.press(ADA, AGENTS, card, "close")
    play.in_thread(card, "Ada Agent closed the ticket")
    play.whatsapp_closed_at = time.monotonic()
    play.check(play.in_thread(card, "closed"), "the Close button on the card closed the ticket")


def slack_client(play: Play) -> None:
    """Serve a client who lives in Slack."""
    asked = play.sandbox.say(CLIENT_IN_SLACK, CLIENTS, "Is there a service status page?")
    card = play.card("Is there a service status page?")
    play.answer(card, "Yes: status.desk.example")
    found = wait_for(lambda: play.sandbox.thread(CLIENTS, asked)[1:], "answer in the client's thread", 30)
    play.check("status.desk.example" in json.dumps(found[0]), "the answer stands in the client's own thread")
    play.check("Ada" in json.dumps(found[0]), "under the agent's name")


def note_stays_inside(play: Play) -> None:
    """Keep notes, deleted texts and typing errors from the client."""
    card = play.cards["sms"]
    play.answer(card, "note: this client pays late")
    play.answer(card, "<@U0BEN> have a look please")
    mistake = play.answer(card, "Wrong window, sorry")
    play.sandbox.delete(ADA, AGENTS, mistake)
    typo = play.answer(card, "The parcel is in Gdansk")
    play.sandbox.edit(ADA, AGENTS, typo, "The parcel is in Berlin")
    play.text_with("The parcel is in Berlin")
    left = json.dumps(play.sandbox.ledger("twilio", "message"))
    for secret in ("pays late", "have a look", "Wrong window", "Gdansk"):
        play.check(secret not in left, f"“{secret}” never left")
    notes = [each for each in play.ask("tickets", "show", str(play.ticket(card))) if each["delivery"] == "stays inside"]
    play.check(len(notes) == 2, "both notes are kept in the ticket")  # noqa: PLR2004 (the note and the mention)


def ticket_is_given_to_a_colleague(play: Play) -> None:
    """Give a ticket to a colleague by the card's menu."""
    card = play.cards["sms"]
    play.choose(ADA, card, "assign", "Ben Agent")
    play.check(
        play.in_thread(card, "Ada Agent assigned the ticket to Ben Agent"), "the thread says who gave it to whom"
    )
    play.check(wait_for(lambda: "Ben Agent" in play.face(card), "Ben on the card", 30), "and the card that Ben has it")


def ticket_moves_to_another_department(play: Play) -> None:
    """Move a ticket and its conversation to another department."""
    card = play.cards["sms"]
    play.choose(BEN, card, "department", "Billing")
    moved = wait_for(lambda: play.find_card("My order has not come", BILLING), "card in Billing's channel", 30)
    said = wait_for(lambda: play.said_in(BILLING, moved, "moved the ticket to Billing"), "the move in its thread", 30)
    play.check("My order has not come" in said and "It comes tomorrow." in said, "what was said followed the card")
    play.check(
        wait_for(lambda: "worked on in Billing" in play.face(card), "word on the old card", 30),
        "the old card says where",
    )
    play.sandbox.text(PHONE, SMS_NUMBER, "Still nothing here")
    there = wait_for(lambda: play.said_in(BILLING, moved, "Still nothing here"), "the client's text in Billing", 30)
    play.check(there, "the client's next text comes to Billing's channel")
    play.sandbox.say(BEN, BILLING, "reply: We pay it back.", thread_ts=moved)
    play.check(play.text_with("We pay it back.")["to"] == PHONE, "and Billing's answer reaches the client")


def clients_are_merged_and_parted(play: Play) -> None:
    """Ask whether a new client is one we know, merge, and undo it."""
    play.mail(
        "Hello,\n\nplease call me: +1 555 765 4321.\n\nCleo",
        subject="A call, please",
        sender="Cleo at home <cleo@home.example>",
    )
    card = play.card("A call, please")
    asked = play.in_thread(card, "This client may be")
    play.check("Not the same" in json.dumps(asked), f"the thread asks: {asked['text']}")
    play.sandbox.press(BEN, AGENTS, str(asked["ts"]), "same_client")
    merged = play.in_thread(card, "was merged into")
    play.check("Ben Agent" in merged["text"], "Ben's press made them one client")
    play.sandbox.press(BEN, AGENTS, str(merged["ts"]), "undo_merge")
    play.check(play.in_thread(card, "was undone by Ben Agent"), "and the button below that made them two again")


def failure_is_told(play: Play) -> None:
    """Tell the agent why a reply failed."""
    play.sandbox.text(LANDLINE, SMS_NUMBER, "Please call me back")
    card = play.card("Please call me back")
    ts = play.answer(card, "We call you at noon.")
    told = play.in_thread(card, "Not delivered to the client")
    play.show(f"the thread says: {told['text']}")
    play.check("30006" in json.dumps(told), "the reason and the provider's code stand in the thread")
    play.check("retry" in json.dumps(told), "with a button to send it again")
    play.check(play.marked(ts, "x"), "Ada sees ❌ on her own message")


def quoted_whatsapp(play: Play) -> None:
    """Lead a WhatsApp reply to the older ticket it quotes."""
    card = play.cards["whatsapp"]
    older = play.text_with("Red and blue.")
    wait_for(lambda: time.monotonic() > play.whatsapp_closed_at + 7, "end of the reopen window", 15)
    play.sandbox.text(WHATSAPP, WHATSAPP_NUMBER, "Another matter: my invoice")
    newer = play.card("Another matter: my invoice")
    play.check(newer != card, "after the reopen window a new message opened a new ticket")
    play.sandbox.press(ADA, AGENTS, card, "reopen")
    play.in_thread(card, "reopened the ticket")
    play.sandbox.text(WHATSAPP, WHATSAPP_NUMBER, "I take the red one", replied_sid=str(older["sid"]))
    play.in_thread(card, "I take the red one")
    last = play.messages(play.ticket(card))[-1]
    play.check(last["threaded_by"] == "reference", "the quoted answer led it to the older ticket, not to the newest")


def stranger_stays_out(play: Play) -> None:
    """Keep a stranger with a stolen reference out."""
    mail = play.first_mail
    if mail is None:
        raise StepFailedError("there was no mail to steal from")
    ticket = play.ticket(play.cards["mail"])
    before = len(play.messages(ticket))
    play.mail(
        "I am Cleo too, send me everything.",
        sender="Mallory <mallory@elsewhere.example>",
        subject=f"Re: {mail['Subject']}",
        to=str(mail["Reply-To"]),
        headers={"In-Reply-To": str(mail["Message-ID"]), "References": str(mail["Message-ID"])},
    )
    stranger = wait_for(
        lambda: [each for each in play.ask("tickets", "list") if "Mallory" in each["client"]],
        "a ticket of their own",
        30,
    )
    play.check(stranger[0]["id"] != ticket, "the stranger got a ticket of their own")
    play.in_thread(play.cards["mail"], f"#{stranger[0]['id']}")
    play.check(len(play.messages(ticket)) == before, "nothing was added to Cleo's; the agents see both linked")


def worker_killed(play: Play) -> None:
    """Kill workers in the middle of a burst and lose nothing."""
    sender = "+15558880000"
    for number in range(BURST):
        play.sandbox.text(sender, SMS_NUMBER, f"burst {number:02}")
        if number in {BURST // 3, 2 * BURST // 3}:
            play.supervisor.kill("inbound")
            play.show("the inbound worker was killed (SIGKILL)")
    card = play.card("burst 00")
    ticket = play.ticket(card)
    wait_for(lambda: len(play.messages(ticket)) >= BURST, f"{BURST} messages in the ticket", 90)
    texts = [each["text"] for each in play.messages(ticket)]
    play.check(sorted(texts) == [f"burst {number:02}" for number in range(BURST)], f"all {BURST} are there, each once")
    play.check(texts == sorted(texts), "in the order they were sent")


def flower_shows_the_tasks(play: Play) -> None:
    """Show the tasks in Flower, behind its password."""
    url = f"http://127.0.0.1:{play.running.desk.ports.flower}/api/tasks?limit=50"
    password = play.running.environment["FLOWER_PASSWORD"]
    credentials = base64.b64encode(f"frontdesk:{password}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (our own Flower)
        tasks = json.load(answer)
    names = sorted({task["name"] for task in tasks.values() if task["name"]})
    play.check({"inbound.ingest", "outbound.deliver"} <= set(names), f"Flower shows {', '.join(names)}")
    play.check("burst" not in json.dumps(tasks), "and no client's words among their arguments")


STEPS: tuple[Callable[[Play], None], ...] = (
    mail_becomes_a_ticket,
    agent_answers_by_mail,
    client_answers_by_mail,
    sms_conversation,
    whatsapp_begins,
    slack_client,
    note_stays_inside,
    ticket_is_given_to_a_colleague,
    clients_are_merged_and_parted,
    ticket_moves_to_another_department,
    failure_is_told,
    quoted_whatsapp,
    stranger_stays_out,
    agents_find_their_work,
    message_becomes_a_ticket,
    worker_killed,
    flower_shows_the_tasks,
)
