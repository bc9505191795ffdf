"""What agents see change without a new post: a card brought up to date, and the signs and marks beside messages."""

from collections.abc import Collection

from channels.base import ExternalId, Sign, TicketCard
from channels.errors import Stopped, Undeliverable
from models.delivery_claims import ClaimedDelivery
from models.tickets import note_signs, signs_on
from workers.logs import get_logger
from workers.outbox import AGENTS_THREAD
from workers.runtime import Runtime

log = get_logger()


def renew_card(tools: Runtime, claimed: ClaimedDelivery, card: TicketCard) -> None:
    """Bring a posted card up to date, and the signs beside it. Raises a `SendError`."""
    with tools.database.session_scope() as session:
        message = tools.outgoing.card_message(session, claimed)
        there = signs_on(session, ExternalId(type=AGENTS_THREAD, value=message.value))
    tools.agents_desk.update(message, card)
    if card.signs != there:
        _sign(tools, message, put=card.signs - there, take_away={Sign(each) for each in there - card.signs})
        with tools.database.session_scope() as session:
            note_signs(session, ExternalId(type=AGENTS_THREAD, value=message.value), card.signs)


def _sign(tools: Runtime, message: ExternalId, *, put: Collection[Sign], take_away: Collection[Sign]) -> None:
    try:
        tools.agents_desk.sign(message, put, take_away)
    except Undeliverable as error:  # the card itself says as much
        log.warning("card_not_signed", code=error.code)


def mark(tools: Runtime, claimed: ClaimedDelivery) -> None:
    """Show on an agent's message what has become of it. Raises a `SendError`."""
    with tools.database.session_scope() as session:
        marked = tools.outgoing.mark(session, claimed)
    if marked is None:
        return
    message, mark_now = marked
    try:
        tools.agents_desk.mark(message, mark_now)
    except Stopped as error:
        if message.value.startswith(f"{claimed.recipient}/"):
            raise
        # Where the agents work no more, nobody mends it, and nothing that goes to where they do may wait for that.
        raise Undeliverable(str(error)) from error
