"""Every call to Slack's Web API. `SlackChannel` loads this with the first call: Slack's library takes 3 MB."""

from collections.abc import Collection
from datetime import datetime
from functools import cached_property

from slack_sdk.web import WebClient

from channels.base import (
    ExternalId,
    Home,
    Listing,
    Mark,
    Menu,
    OutboundMessage,
    Profile,
    RawEvent,
    Sheet,
    Sign,
    TicketCard,
)
from channels.slack import desk, find, send
from channels.slack.client import Me, only_later, web_client, who_am_i
from channels.slack.listing import home_view, listing_blocks
from channels.slack.missed import missed
from channels.slack.people import People
from channels.slack.settings import Settings


class Api:
    """The workspace our token belongs to."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._people = People()

    def send(self, outbound: OutboundMessage) -> ExternalId:
        """Post once, or share the files once, and return the id. Raises a `SendError`."""
        if outbound.attachments:
            return send.share_files(self._client, self._settings, outbound)
        return send.post(self._client, outbound, self._me.url if outbound.listing else "")

    def find_sent(self, outbound: OutboundMessage, since: datetime) -> tuple[ExternalId, ...]:
        """Return the posts that are this send, oldest first. Raises `TryLater`."""
        with only_later():
            return find.find_sent(self._client, self._me, outbound, since)

    def profile(self, person: ExternalId) -> Profile | None:
        """Return what Slack knows of a person. Raises `TryLater`."""
        with only_later():
            return self._people.profile(self._client, self._me, person)

    def missed(self, channel: ExternalId, since: datetime) -> tuple[RawEvent, ...]:
        """Return what people said in a channel or thread since then, oldest first. Raises `TryLater`."""
        with only_later():
            return missed(self._client, self._me, channel, since)

    def update(self, message: ExternalId, card: TicketCard) -> None:
        """Bring a posted card up to date. Raises a `SendError`."""
        desk.update(self._client, message, card)

    def mark(self, message: ExternalId, mark: Mark) -> None:
        """Show on a message what became of it, and nothing else. Raises a `SendError`."""
        desk.mark(self._client, message, mark)

    def sign(self, message: ExternalId, put: Collection[Sign], take_away: Collection[Sign]) -> None:
        """Put signs of ours on a card and take others away. Raises a `SendError`."""
        desk.sign(self._client, message, put, take_away)

    def whisper(self, where: ExternalId, thread: ExternalId | None, person: ExternalId, text: str) -> None:
        """Say something in a channel, or a thread of it, that only one person there sees. Raises a `SendError`."""
        desk.whisper(self._client, where, thread, person, text)

    def ask(self, trigger: str, answer_url: str, asked: Menu | Sheet) -> None:
        """Open a form for who pressed a button. Raises a `SendError`."""
        desk.ask(self._client, trigger, answer_url, asked)

    def answer(self, url: str, text: str, listing: Listing | None) -> None:
        """Answer a button or command where only the person sees it. Raises a `SendError`."""
        blocks = listing_blocks(listing, self._me.url) if listing else []
        desk.answer(self._settings, url, listing.title if listing else text, blocks)

    def show_home(self, person: ExternalId, home: Home) -> None:
        """Put up somebody's home tab. Raises a `SendError`."""
        desk.show_home(self._client, person, home_view(home, self._me.url))

    @cached_property
    def _client(self) -> WebClient:
        return web_client(self._settings)

    @cached_property
    def _me(self) -> Me:
        return who_am_i(self._client)
