"""`outbound.deliver`: claim → commit `sending` → call the provider once → record what happened.

At most one automatic send: after an unclear outcome, or when a worker died while sending, the provider is asked what it
has; if that does not settle it, the agents are.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from channels.base import ExternalId, OutboundMessage
from channels.errors import SendError, TryLater, Unclear, Undeliverable, WindowClosed
from models.base import now
from models.deliveries import Purpose
from models.delivery_claims import ClaimedDelivery, claim_delivery, claim_next_in_lane
from models.messages import messages_named
from workers.app import app
from workers.logs import get_logger
from workers.runtime import Runtime, runtime
from workers.tasks import outcomes, pacing, row_ids, showing
from workers.tasks.outcomes import MOST_LOOKS
from workers.tasks.templates import list_templates

log = get_logger()

T = TypeVar("T")

# On top of what a channel needs for one send: the claim and the record of it.
LEASE_MARGIN = 10.0
# Seconds between tries to write one outcome, together less than the margin: a restart of the database is outlasted.
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)


@app.task(name="outbound.deliver")
def deliver(delivery_ids: Sequence[int]) -> None:
    """Send deliveries, each with what waits behind it in its lane."""
    for delivery_id in row_ids(delivery_ids):
        deliver_lane(runtime(), delivery_id)


def deliver_lane(tools: Runtime, delivery_id: int) -> None:
    """Send what is due in the lane of this delivery, in order. May be called any number of times."""
    leases = _leases(tools)
    with tools.database.session_scope() as session:
        claimed = _leaving(tools, session, claim_delivery(session, delivery_id, leases))
    while claimed is not None:
        attempt(tools, claimed)
        with tools.database.session_scope() as session:
            claimed = _leaving(tools, session, claim_next_in_lane(session, claimed.lane, leases))


def _leaving(tools: Runtime, session: Session, claimed: ClaimedDelivery | None) -> ClaimedDelivery | None:
    return claimed if claimed is not None and pacing.may_leave(tools, session, claimed) else None


def attempt(tools: Runtime, claimed: ClaimedDelivery) -> None:
    """Make one send, or one look-up of an earlier one, and record what came of it."""
    begun = now()
    try:
        name = _look_up(tools, claimed) if claimed.only_asks else _send(tools, claimed)
        _keep_trying(lambda: outcomes.sent(tools, claimed, name))
    except SendError as error:
        outcome = error
        if isinstance(error, WindowClosed):
            list_templates(tools, claimed.channel)
        _keep_trying(lambda: outcomes.not_sent(tools, claimed, outcome, begun))


def _keep_trying(write: Callable[[], None]) -> None:
    """Write what the provider said again when the database refuses: this process alone knows it."""
    for pause in PAUSES:
        try:
            write()
        except OperationalError as error:
            log.warning("outcome_not_written", error=type(error).__name__)
            time.sleep(pause)
        else:
            return
    write()


def _leases(tools: Runtime) -> dict[str, timedelta]:
    return {
        name: timedelta(seconds=channel.send_timeout + LEASE_MARGIN)
        for name, channel in tools.channels.channels.items()
    }


def _send(tools: Runtime, claimed: ClaimedDelivery) -> ExternalId | None:
    if claimed.purpose is Purpose.RECEIPT:
        showing.mark(tools, claimed)
        return None
    outbound = _message(tools, claimed)
    if claimed.purpose is Purpose.CARD_UPDATE and outbound.card is not None:
        showing.renew_card(tools, claimed, outbound.card)
        return None
    return _unclear_if_it_breaks(claimed, lambda: tools.channel(claimed.channel).send(outbound))


def _unclear_if_it_breaks(claimed: ClaimedDelivery, call: Callable[[], T]) -> T:
    try:
        return call()
    except SendError:
        raise
    except Exception as error:  # a bug of ours, after which the message may or may not be out: the lane must go on
        log.exception("send_broke", delivery_id=claimed.id, error=type(error).__name__)
        raise Unclear(f"sending broke ({type(error).__name__})") from error


def _message(tools: Runtime, claimed: ClaimedDelivery) -> OutboundMessage:
    try:
        with tools.database.session_scope() as session:
            return tools.outgoing.message(session, claimed)
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise TryLater("the database does not answer") from error
    except SendError:
        raise
    except Exception as error:  # a bug of ours: told to the agents, and the lane goes on
        log.exception("message_broke", delivery_id=claimed.id, error=type(error).__name__)
        broke = f"it could not be put together ({type(error).__name__})"
        raise (Unclear(broke) if claimed.look_up else Undeliverable(broke, code="internal")) from error


def _look_up(tools: Runtime, claimed: ClaimedDelivery) -> ExternalId:
    """Return the provider's id of an earlier send, which no other message has. Raises `Unclear` without a certain one.

    Where absence proves nothing, sends are told apart by their words: two that nobody has may be anybody's.
    """
    if claimed.lookups > MOST_LOOKS:
        raise Unclear("asked often enough")
    channel, outbound = tools.channel(claimed.channel), _message(tools, claimed)
    found = _unclear_if_it_breaks(claimed, lambda: channel.find_sent(outbound, claimed.attempted_at))
    with tools.database.session_scope() as session:
        taken = messages_named(session, found)
    free = [each for each in found if each not in taken]
    if not free or (len(free) > 1 and not channel.lookup.absence_is_proof):
        raise Unclear(f"the provider shows {len(free)} messages that could be this one")
    return free[0]
