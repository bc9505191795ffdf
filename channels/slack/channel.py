"""Slack as a channel for clients, and as the agents' desk."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from channels.base import (
    Attachment,
    Enclosure,
    ExternalId,
    Home,
    Listing,
    Lookup,
    Mark,
    Menu,
    OutboundMessage,
    Parsed,
    Plan,
    Profile,
    RawEvent,
    Sheet,
    Sign,
    Template,
    TicketCard,
)
from channels.download import download
from channels.errors import Undeliverable
from channels.pace import Act, Pace
from channels.plans import Piece
from channels.slack.ids import slack_id
from channels.slack.mrkdwn import pieces
from channels.slack.pace import pace
from channels.slack.parse import parse
from channels.slack.settings import Settings

if TYPE_CHECKING:
    from channels.slack.api import Api

# Slack takes 12,000 characters and more in one message; observed limits differ, this is below all of them.
POST_LIMIT = 11_000
FETCH_TIMEOUT = 20.0
_ADDRESS = re.compile(r"[TE][A-Z0-9]{2,30}(/[CGDUW][A-Z0-9]{2,30})?")


class SlackChannel:
    """The one Slack workspace our app is installed in."""

    name = "slack"
    address_type = "slack"
    # Two looks, because a post may show a moment after its answer was lost. History is complete, so absence is proof.
    lookup = Lookup(delays=(0, 5), absence_is_proof=True)
    # Thirty seconds for uploads and ten for the call that shares them.
    send_timeout = 40.0
    reports_delivery = False
    answers_within = None
    lists_received = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def connected(self) -> bool:
        """Say whether there is a token to post with."""
        return bool(self._settings.token)

    def address(self, text: str) -> ExternalId:
        """Return `T…/C…`, `T…/U…` or, for direct messages, `T…` as it stands; raise `ValueError` for anything else."""
        if not _ADDRESS.fullmatch(text.strip()):
            raise ValueError("a Slack address is a workspace and a channel or person, like T0123ABCD/C0123ABCD")
        return slack_id(text.strip())

    def answer_address(self, sender: str, recipient: str) -> str:
        """Return the channel that was written in; where only the workspace is known, the person in it."""
        return recipient if "/" in recipient else f"{recipient}/{sender.rpartition('/')[2]}"

    def parse(self, raw: RawEvent) -> tuple[Parsed, ...]:
        """Translate a stored call; raises `Malformed`."""
        return parse(raw)

    def split(self, body: str) -> tuple[str, ...]:
        """Cut a text into posts that fit even when every character of them must be escaped."""
        return tuple(pieces(body, POST_LIMIT))

    def plan(self, body: str, files: Sequence[Enclosure]) -> Plan:
        """Tell an answer in posts and then its files: Slack shows those under the app's own name, not the agent's."""
        texts = [Piece(body=each) for each in self.split(body)] if body or not files else []
        shared = [Piece(files=tuple(range(len(files))))] if files else []
        return Plan(pieces=(*texts, *shared))

    def pace(self, act: Act, recipient: str, sender: str) -> Pace | None:  # noqa: ARG002 (the protocol's; a place has one bot)
        """Return what Slack counts a send with: the place it goes to, and its kind."""
        return pace(act, recipient, self._settings.posts_per_second)

    def send(self, outbound: OutboundMessage) -> ExternalId:
        """Post once, or share the files once, and return the id. Raises a `SendError`."""
        return self._api.send(outbound)

    def find_sent(self, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
        """Return the posts that are this send, oldest first. Raises `TryLater`."""
        return self._api.find_sent(outbound, since)

    def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Get a file with the bot's token. Raises `TryLater` or `Undeliverable`."""
        headers = {"Authorization": f"Bearer {self._settings.token}"}
        content = download(
            attachment.url or "", headers=headers, hosts=self._settings.file_hosts, limit=limit, timeout=FETCH_TIMEOUT
        )
        # Slack answers a token without files:read with its sign-in page and status 200.
        if content[:100].lstrip().lower().startswith(b"<!doctype html") and "html" not in attachment.content_type:
            raise Undeliverable("Slack gave its sign-in page for the file; the app lacks files:read.", code="no_file")
        return content

    def templates(self) -> tuple[Template, ...]:
        """Return none: answers are taken at any time."""
        return ()

    def profile(self, person: ExternalId) -> Profile | None:
        """Return what Slack knows of a person. Raises `TryLater`."""
        return self._api.profile(person)

    def missed(self, place: ExternalId, since: datetime) -> tuple[RawEvent, ...]:
        """Return what people said in a channel or thread since then, oldest first, heard or not. Raises `TryLater`."""
        if "/" not in place.value:  # direct messages: Slack has no list of all of them
            return ()
        return self._api.missed(place, since)

    def update(self, message: ExternalId, card: TicketCard) -> None:
        """Bring a posted card up to date; may be called again. Raises a `SendError`."""
        self._api.update(message, card)

    def mark(self, message: ExternalId, mark: Mark) -> None:
        """Show on a message what became of it, and nothing else; may be called again. Raises a `SendError`."""
        self._api.mark(message, mark)

    def sign(self, message: ExternalId, put: Collection[Sign], take_away: Collection[Sign]) -> None:
        """Put signs of ours on a card and take others away; may be called again. Raises a `SendError`."""
        self._api.sign(message, put, take_away)

    def whisper(self, place: ExternalId, thread: ExternalId | None, person: ExternalId, text: str) -> None:
        """Say something in a channel, or a thread of it, that only one person there sees. Raises a `SendError`."""
        self._api.whisper(place, thread, person, text)

    def ask(self, trigger: str, answer_url: str, asked: Menu | Sheet) -> None:
        """Open a form for the person who acted, at most 3 seconds later. Raises a `SendError`."""
        self._api.ask(trigger, answer_url, asked)

    def answer(self, url: str, text: str, listing: Listing | None = None) -> None:
        """Answer a button or command where only the person sees it. Raises a `SendError`."""
        self._api.answer(url, text, listing)

    def show_home(self, person: ExternalId, home: Home) -> None:
        """Put up somebody's home tab; may be called again. Raises a `SendError`."""
        self._api.show_home(person, home)

    @cached_property
    def _api(self) -> "Api":
        from channels.slack.api import Api  # noqa: PLC0415 (3 MB that a process which never calls Slack need not hold)

        return Api(self._settings)
