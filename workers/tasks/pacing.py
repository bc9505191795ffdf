"""When a claimed send may leave: at the pace its provider takes, and not during a pause or a stop of its like.

Asked within the transaction of the claim, so that all processes share one count and nobody sleeps. What must wait is
put back: due at its turn, with its place in its lane, and no attempt counted. A stop is tried by one send every five
minutes.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from channels.errors import SendError, Stopped, TooMany, TryLater
from channels.pace import Act, Pace
from models.base import now
from models.deliveries import Purpose
from models.delivery_claims import ClaimedDelivery, begin_anew, give_turn, postpone, put_back
from models.throttles import Barrier, barrier, claim_try, pause, resume, stop, take_turn
from workers.db import Wakeup, enqueue
from workers.logs import get_logger
from workers.runtime import Runtime

log = get_logger()

GIVE_UP_AFTER = timedelta(hours=24)
TRY_AGAIN = timedelta(minutes=5)
# Seconds after which a try has most likely ended: then the others know whether to go or to wait for the next one.
AFTER_A_TRY = 15.0
# Seconds: a wake-up that comes before its row is due is lost.
NOT_TOO_EARLY = 0.1

_ACTS = {Purpose.FILES: Act.FILES, Purpose.CARD_UPDATE: Act.UPDATE, Purpose.RECEIPT: Act.MARK}


def may_leave(tools: Runtime, session: Session, claimed: ClaimedDelivery) -> bool:
    """Say whether a send that was claimed in this transaction may leave; if not, put it back."""
    pace = _pace(tools, claimed)
    if pace is None:
        return True
    found = barrier(session, claimed.channel, pace.key)
    if found.next_try is not None:
        return _try_for_all(session, claimed, pace, found)
    return claimed.only_asks or _has_its_turn(session, claimed, pace, found)


def _pace(tools: Runtime, claimed: ClaimedDelivery) -> Pace | None:
    act = _ACTS.get(claimed.purpose, Act.POST)
    return tools.channel(claimed.channel).pace(act, claimed.recipient, claimed.sender)


def _try_for_all(session: Session, claimed: ClaimedDelivery, pace: Pace, found: Barrier) -> bool:
    """Let one send in a while through a stop, and what a client should have had for a day: it ends either way."""
    if _is_old(claimed) or claim_try(session, claimed.channel, pace.key, try_again=TRY_AGAIN):
        return True
    wait = (found.next_try or 0.0) + AFTER_A_TRY
    put_back(session, claimed, wait, found.reason)
    _not_counted(session, claimed)
    _wake(session, claimed, wait)
    return False


def _is_old(claimed: ClaimedDelivery) -> bool:
    return claimed.to_client and now() - claimed.tried_since > GIVE_UP_AFTER


def _has_its_turn(session: Session, claimed: ClaimedDelivery, pace: Pace, found: Barrier) -> bool:
    if claimed.turn_at is not None and (found.paused_until is None or found.paused_until <= claimed.turn_at):
        return True
    wait = _turn(session, claimed, pace) if pace.per_second else found.pause
    if wait <= 0:
        return True
    put_back(session, claimed, wait)
    if pace.per_second:
        give_turn(session, claimed.id, wait)
    _wake(session, claimed, wait)
    return False


def _turn(session: Session, claimed: ClaimedDelivery, pace: Pace) -> float:
    return take_turn(session, claimed.channel, pace.key, per_second=pace.per_second, burst=pace.burst)


def _wake(session: Session, claimed: ClaimedDelivery, wait: float) -> None:
    delay = wait + NOT_TOO_EARLY
    enqueue(session, Wakeup(task="outbound.deliver", channel=claimed.channel, row_id=claimed.id, delay=delay))


def refused(tools: Runtime, session: Session, claimed: ClaimedDelivery, error: SendError, delay: float) -> float:
    """Let all that is counted with a refused send wait too; return in how many seconds it may leave itself.

    Called once its outcome is written, in the same transaction.
    """
    pace = _pace(tools, claimed)
    if pace is None:
        return delay
    if isinstance(error, Stopped):
        _stopped(session, claimed, pace, error)
    elif isinstance(error, TooMany) and not claimed.only_asks:  # questions are counted apart
        return _paused(session, claimed, pace, delay)
    elif barrier(session, claimed.channel, pace.key).next_try is not None:
        return _behind_others(session, claimed, delay)
    return delay


def _behind_others(session: Session, claimed: ClaimedDelivery, delay: float) -> float:
    """Leave the next try to another: what fails for a reason of its own would never find out whether a stop ended."""
    wait = max(delay, TRY_AGAIN.total_seconds() + 2 * AFTER_A_TRY)
    postpone(session, claimed.id, wait)
    return wait


def _stopped(session: Session, claimed: ClaimedDelivery, pace: Pace, error: Stopped) -> None:
    _not_counted(session, claimed)
    if stop(session, claimed.channel, pace.key, str(error), try_again=TRY_AGAIN):
        log.error("channel_stopped", channel=claimed.channel, delivery_id=claimed.id, reason=str(error))


def _paused(session: Session, claimed: ClaimedDelivery, pace: Pace, seconds: float) -> float:
    pause(session, claimed.channel, pace.key, seconds)
    if not pace.per_second:
        return seconds
    wait = _turn(session, claimed, pace)
    give_turn(session, claimed.id, wait)
    return wait


def _not_counted(session: Session, claimed: ClaimedDelivery) -> None:
    """Keep the time of a stop from counting against a send to the agents: there is nowhere to tell them of its end."""
    if not claimed.to_client:
        begin_anew(session, claimed.id)


def tried_long_enough(claimed: ClaimedDelivery, error: TryLater) -> bool:
    """Say whether a send is given up. What goes to the agents has a day from its first try, and longer when stopped."""
    if claimed.to_client:
        return _is_old(claimed)
    since = max(claimed.tried_since, claimed.attempted_at)
    return not isinstance(error, Stopped) and now() - since > GIVE_UP_AFTER


def went_through(tools: Runtime, session: Session, claimed: ClaimedDelivery) -> None:
    """End the stop of what is counted with a send that left, if there was one."""
    pace = _pace(tools, claimed)
    if pace is not None and resume(session, claimed.channel, pace.key):
        log.info("channel_resumed", channel=claimed.channel, delivery_id=claimed.id)
