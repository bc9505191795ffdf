"""The buttons below what the system says in a ticket's thread."""

from channels.base import Button
from models.offers import Offered, OfferKind

UNDO, SAME, NOT_SAME, CORRECT = "undo_merge", "same_client", "not_same", "correct"

_BUTTONS = {
    OfferKind.UNDO_MERGE: (("Undo", UNDO),),
    OfferKind.SAME_CLIENT: (("Merge", SAME), ("Not the same", NOT_SAME)),
    OfferKind.CORRECTION: (("Send the new text as a correction", CORRECT),),
}


def offer_buttons(offered: Offered | None) -> tuple[Button, ...]:
    """Return the buttons of an offer; what they ask for is refused in words where it does not stand any more."""
    if offered is None:
        return ()
    value = str(offered.subject_id)
    return tuple(Button(label=label, action=action, value=value) for label, action in _BUTTONS[offered.kind])
