"""Tickets in a row as Slack shows them: the home tab, answers to commands, digests.

Limits: https://docs.slack.dev/reference/views/home-tab-views (100 blocks), .../block-kit/blocks (50 in a message).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from channels.base import Button, ExternalId, clean_line
from channels.listing import Home, Listing, TicketLine
from channels.shown import spelled
from channels.slack.blocks import SECTION_LIMIT, Block, age, button_elements, in_bold, mrkdwn, section, text_blocks
from channels.slack.form import LABEL_LIMIT, plain_text
from channels.slack.ids import place
from channels.slack.mrkdwn import escape

# Two lists of these, with two blocks a ticket, stay below a hundred blocks.
HOME_LINES = 20
_HEADER_LIMIT = 150
_TITLE, _NAME, _WORDS = 150, 80, 300
# Names of one ticket's agents.
_NAMES = 3
_USUAL = "medium"


def home_view(home: Home, workspace_url: str) -> Block:
    """Return a home tab; `workspace_url` is where links to threads begin."""
    listings = [block for each in home.listings for block in _at_home(each, workspace_url)]
    refresh = _actions(button_elements([Button(label="Refresh", action="home", value="home")]))
    return {"type": "home", "blocks": [*text_blocks(home.notice), *listings, refresh]}


def listing_blocks(listing: Listing, workspace_url: str) -> list[Block]:
    """Return the blocks of a message that lists tickets."""
    lines = [f"\N{BULLET} {_line(each, workspace_url)}" for each in listing.lines]
    said = lines or [_words(listing.empty)] * bool(listing.empty)
    rest = [_rest(listing)] if listing.left_out > 0 else []
    head = section(f"*{escape(clean_line(listing.title, _HEADER_LIMIT))}*")
    return [head, *map(section, _packed([*said, *rest])), *text_blocks(listing.below)]


def _packed(lines: Sequence[str]) -> Iterator[str]:
    """Put as many lines into one section as fit."""
    packed = ""
    for line in lines:
        if packed and len(packed) + len(line) >= SECTION_LIMIT:
            yield packed
            packed = ""
        packed = f"{packed}\n{line}".strip()
    if packed:
        yield packed


def _at_home(listing: Listing, workspace_url: str) -> Iterator[Block]:
    yield {"type": "header", "text": plain_text(listing.title, _HEADER_LIMIT)}
    if not listing.lines:
        yield _context(_words(listing.empty))
    for each in listing.lines[:HOME_LINES]:
        yield section(_line(each, workspace_url))
        yield _actions(_buttons(each, listing, workspace_url))
    if listing.left_out > 0:
        yield _context(_rest(listing))


def _buttons(line: TicketLine, listing: Listing, workspace_url: str) -> Iterator[Block]:
    ticket = str(line.ticket_id)
    take = [Button(label="Take", action="take", value=ticket)] if listing.free else []
    yield from button_elements([*take, Button(label="Close", action="close", value=ticket)])
    if line.thread is not None:
        url = _url(line.thread, workspace_url)
        yield {"type": "button", "text": plain_text("Open", LABEL_LIMIT), "action_id": "open_thread", "url": url}


def _line(line: TicketLine, workspace_url: str) -> str:
    name = escape(f"#{line.ticket_id} {clean_line(line.title, _TITLE)}")
    titled = f"<{_url(line.thread, workspace_url)}|{name}>" if line.thread else name
    return f"*{in_bold(titled)}*\n{escape(_about(line))}"


def _about(line: TicketLine) -> str:
    now = datetime.now(UTC)
    waits = f"waits for us: {age(now - line.waiting_since)}" if line.waiting_since else line.status.replace("_", " ")
    told = (
        clean_line(line.client, _NAME),
        spelled(line.channel),
        waits,
        f"opened {line.opened_at:%d %b %Y}",
        "" if line.priority == _USUAL else clean_line(line.priority, _NAME),
        ", ".join(clean_line(each, _NAME) for each in line.assignees[:_NAMES]),
    )
    return " \N{MIDDLE DOT} ".join(each for each in told if each)


def _url(thread: ExternalId, workspace_url: str) -> str:
    """Return where a thread is, in the form of Slack's own permalinks."""
    where = place(thread)
    return f"{workspace_url.rstrip('/')}/archives/{where.id}/p{where.ts.replace('.', '')}"


def _rest(listing: Listing) -> str:
    return _words(f"and {listing.left_out} more{f': {listing.more}' if listing.more else ''}")


def _words(words: str) -> str:
    return escape(clean_line(words, _WORDS)) or "Nothing."


def _actions(elements: Iterable[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def _context(words: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(words)]}
