"""What the agents' desk needs beyond posting: cards brought up to date, marks on messages, words to one person."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from slack_sdk.web import WebClient

from channels.base import ExternalId, Mark, Menu, Sheet, Sign, TicketCard
from channels.download import post as http_post
from channels.errors import Undeliverable
from channels.slack.blocks import Block, card_blocks, card_text
from channels.slack.client import TIMEOUT, harmless_to_repeat, slack_errors
from channels.slack.form import form
from channels.slack.ids import Place, place
from channels.slack.mrkdwn import escape
from channels.slack.settings import Settings
from channels.slack.signs import SIGNS

EMOJI = {Mark.WAITING: "hourglass_flowing_sand", Mark.DELIVERED: "white_check_mark", Mark.FAILED: "x"}
# Beside the mark for delivered: nothing comes after it, so that it never has to be taken away.
READ = "eye"


def update(client: WebClient, message: ExternalId, card: TicketCard) -> None:
    """Replace a posted card."""
    where = place(message)
    with harmless_to_repeat(), slack_errors():
        client.chat_update(
            channel=where.id,
            ts=where.ts,
            text=card_text(card),
            blocks=card_blocks(card),
            parse="none",
            link_names=False,
        )


def mark(client: WebClient, message: ExternalId, mark: Mark) -> None:
    """Put one mark on a message and take the others away; the new one first, so that there is always one to see."""
    where, shown = place(message), Mark.DELIVERED if mark is Mark.READ else mark
    if shown in EMOJI:
        _react(client, where, EMOJI[shown])
    if mark is Mark.READ:
        _react(client, where, READ)
    for other, emoji in EMOJI.items():
        if other is not shown:
            _unreact(client, where, emoji)


def sign(client: WebClient, card: ExternalId, put: Collection[Sign], take_away: Collection[Sign]) -> None:
    """Put signs on a card, and take others that are ours away."""
    where = place(card)
    for emoji, meaning in SIGNS.items():
        if meaning in put:
            _react(client, where, emoji)
        elif meaning in take_away:
            _unreact(client, where, emoji)


def _react(client: WebClient, where: Place, emoji: str) -> None:
    with harmless_to_repeat(), _fine("already_reacted"), slack_errors():
        client.reactions_add(channel=where.id, timestamp=where.ts, name=emoji)


def _unreact(client: WebClient, where: Place, emoji: str) -> None:
    with harmless_to_repeat(), _fine("no_reaction"), slack_errors():
        client.reactions_remove(channel=where.id, timestamp=where.ts, name=emoji)


@contextmanager
def _fine(code: str) -> Iterator[None]:
    """Take a refusal that says the work was done already for success."""
    try:
        yield
    except Undeliverable as error:
        if error.code != code:
            raise


def show_home(client: WebClient, person: ExternalId, view: Block) -> None:
    """Put up somebody's home tab."""
    with harmless_to_repeat(), slack_errors():
        client.views_publish(user_id=place(person).id, view=view)


def answer(settings: Settings, url: str, text: str, blocks: Sequence[Block] = ()) -> None:
    """Post to the address that came with a button or command; it works five times within half an hour."""
    body: Block = {"response_type": "ephemeral", "replace_original": False, "text": escape(text)}
    body |= {"blocks": list(blocks)} if blocks else {}
    http_post(
        url,
        json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        hosts=settings.answer_hosts,
        timeout=TIMEOUT,
    )


def whisper(client: WebClient, where: ExternalId, thread: ExternalId | None, person: ExternalId, text: str) -> None:
    """Post what one person sees, to whom Slack gave no address to answer: who wrote or put an emoji somewhere."""
    with harmless_to_repeat(), slack_errors():
        client.chat_postEphemeral(
            channel=place(where).id,
            user=place(person).id,
            thread_ts=place(thread).ts if thread else None,
            text=escape(text),
            parse="none",
            link_names=False,
        )


def ask(client: WebClient, trigger: str, answer_url: str, asked: Menu | Sheet) -> None:
    """Open a form; Slack takes a trigger once, so this is not repeated."""
    with slack_errors():
        client.views_open(trigger_id=trigger, view=form(asked, answer_url))
