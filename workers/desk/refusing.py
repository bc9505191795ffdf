"""What people may not do is refused to them alone, with what to do about it."""

from sqlalchemy.orm import Session

from channels.base import AgentAction, Profile
from workers.desk.identity import Refusal, user_for
from workers.desk.outcome import Outcome, answered
from workers.logs import get_logger

log = get_logger()

# What people change of their own words, and most of their emoji, is their own affair: asked where it concerns a ticket.
_ASKED_LATER = frozenset({"edit", "delete", "sign"})


def refused(action: AgentAction, refusal: Refusal) -> Outcome:
    """Tell whoever acted why nothing came of it."""
    log.warning("action_refused", action=action.action, reason=refusal.name)
    return answered(action, f"Nothing was changed: your account {refusal}.")


def refused_at_once(session: Session, action: AgentAction, profile: Profile | None) -> Outcome | None:
    """Refuse, whatever they ask for, who is no agent at all; `None` for agents, whose department is asked for later."""
    if action.action in _ASKED_LATER:
        return None
    user = user_for(session, action.actor, profile)
    return refused(action, user) if isinstance(user, Refusal) else None
