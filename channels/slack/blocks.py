"""What our posts look like: text in sections, the ticket's card, buttons.

Every text that comes from outside this file is escaped here, once. `verbatim` keeps Slack from making mentions and
links of its own out of a client's words. Limits: https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from channels.base import Button, Menu, OutboundMessage, TicketCard, clean_line
from channels.shown import spelled
from channels.slack.form import LABEL_LIMIT, menu_element, plain_text
from channels.slack.mrkdwn import escape, pieces

Block = dict[str, object]

# Slack refuses a section over 3,000 characters, a field over 2,000, a button's label over 75, a post of over 50 blocks.
# Sections are at least half full, so that the longest post takes 38 of them and its card and buttons fit in too.
SECTION_LIMIT = 2900
# The blocks carry the whole text; this is what is shown where they cannot be.
TEXT_LIMIT = 3000
# Five times this, for a field of nothing but ampersands, and its name stay below the limit.
_FIELD_LIMIT = 390
# Of a menu of buttons; the label of a button in it cannot be told from that of an option.
_MORE = 5
_CLOSED = frozenset({"closed", "unresolved"})


def post_blocks(outbound: OutboundMessage) -> list[Block]:
    """Return the blocks of a post: its card, its text, its buttons."""
    card = card_blocks(outbound.card) if outbound.card else []
    buttons = [_actions(outbound.buttons)] if outbound.buttons else []
    return [*card, *text_blocks(outbound.body), *buttons]


def post_text(outbound: OutboundMessage) -> str:
    """Return what notifications get instead of the blocks, a long text's beginning; Slack wants it never empty."""
    title = card_text(outbound.card) if outbound.card else ""
    return escape(next(pieces(outbound.body, TEXT_LIMIT))) or title or "\N{SPEECH BALLOON}"


def text_blocks(body: str) -> list[Block]:
    """Return a text as sections, none for an empty one."""
    return [section(escape(piece)) for piece in pieces(body, SECTION_LIMIT) if piece]


def card_text(card: TicketCard) -> str:
    """Return the card in one line."""
    return escape(f"#{card.ticket_id} {clean_line(card.title, 150)}")


def card_blocks(card: TicketCard) -> list[Block]:
    """Return the ticket at a glance, with the buttons that fit its status."""
    title = section(f"*#{card.ticket_id}  {in_bold(_line(card.title, 200))}*")
    if card.merged_into is not None:
        return [title, section(f"Merged into *#{card.merged_into}*."), _fields(card), *_context(card)]
    if card.moved_to:
        moved = f"\N{RIGHTWARDS ARROW} This ticket is worked on in {card.moved_to} now. Nothing said here is sent."
        return [title, {"type": "context", "elements": [mrkdwn(_line(moved, 300))]}]
    buttons: Block = {"type": "actions", "elements": [*button_elements(_card_buttons(card)), *_more(card.more)]}
    return [title, _fields(card), *_context(card), *_menus(card.menus), buttons]


def _fields(card: TicketCard) -> Block:
    client = f"{card.client} ({card.address})" if card.address not in {"", card.client} else card.client
    fields = {
        "Client": _field(client),
        "Channel": _field(spelled(card.channel)),
        "Department": _field(card.department),
        "Status": _field(_words(card.status)),
        "Priority": _field(_words(card.priority)),
        "Assigned to": _field(", ".join(card.assignees) or "nobody yet"),
        "Opened": f"{_moment(card.opened_at)} ({_moment(card.opened_at, '{ago}')})",
        "Tags": _field(", ".join(card.tags)),
        "Answer until": _until(card.answer_until) if card.answer_until else "",
    }
    return {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value}") for name, value in fields.items() if value]}


def _field(text: str) -> str:
    return _line(text, _FIELD_LIMIT)


def _until(end: datetime) -> str:
    over = end <= datetime.now(UTC)
    return f"{_moment(end)} ({'over: no answer is taken' if over else _moment(end, '{ago}')})"


def _moment(moment: datetime, form: str = "{date_short_pretty} {time}") -> str:
    """Return a moment that Slack shows anew at every look, by the reader's own clock.

    Forms: https://docs.slack.dev/messaging/formatting-message-text#date-formatting.
    """
    return f"<!date^{moment.timestamp():.0f}^{form}|{moment:%d %b %Y, %H:%M} UTC>"


def in_bold(line: str) -> str:
    """Return an escaped line that may stand between two asterisks."""
    return line.replace("*", "\N{ASTERISK OPERATOR}")


def _context(card: TicketCard) -> list[Block]:
    warnings = [f"\N{WARNING SIGN} {_line(warning, 300)}" for warning in card.warnings[:9]]
    lines = [*warnings, *([_line(card.note, 300)] if card.note else [])]
    return [{"type": "context", "elements": [mrkdwn(each) for each in lines]}] if lines else []


def _card_buttons(card: TicketCard) -> tuple[Button, ...]:
    ticket = str(card.ticket_id)
    if card.status in _CLOSED:
        return (Button(label="Reopen", action="reopen", value=ticket), *card.buttons)
    take, close = (Button(label=each.capitalize(), action=each, value=ticket) for each in ("take", "close"))
    return (take, close, *card.buttons)


def age(passed: timedelta) -> str:
    """Return a span of time in its largest whole unit, as people say it."""
    minutes = max(0, int(passed.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "new"


def _menus(menus: Sequence[Menu]) -> list[Block]:
    elements = [menu_element(menu) for menu in menus if menu.choices]
    return [{"type": "actions", "elements": elements}] if elements else []


def _more(buttons: Sequence[Button]) -> list[Block]:
    options = [
        {"text": plain_text(button.label, LABEL_LIMIT), "value": f"{button.action}:{button.value}"}
        for button in buttons[:_MORE]
    ]
    return [{"type": "overflow", "action_id": "more", "options": options}] if options else []


def _actions(buttons: Sequence[Button]) -> Block:
    return {"type": "actions", "elements": list(button_elements(buttons))}


def button_elements(buttons: Sequence[Button]) -> Iterable[Block]:
    """Return buttons for a block of them."""
    taken: set[str] = set()
    for number, button in enumerate(buttons):
        # Slack wants the names in a block to differ: what stands behind the colon is dropped when one is pressed.
        name = f"{button.action}:{number}" if button.action in taken else button.action
        taken.add(button.action)
        label = plain_text(button.label, LABEL_LIMIT)
        style = {"style": "danger"} if button.danger else {}
        yield {"type": "button", "text": label, "action_id": name, "value": button.value, **style}


def section(words: str) -> Block:
    """Return a section of text in Slack's marks, escaped by the caller."""
    return {"type": "section", "text": mrkdwn(words)}


def mrkdwn(text: str) -> Block:
    """Return a text in Slack's marks, escaped by the caller."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _line(text: str, limit: int) -> str:
    return escape(clean_line(text, limit))


def _words(name: str) -> str:
    return name.replace("_", " ")
