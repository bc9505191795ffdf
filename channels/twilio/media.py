"""Which files each channel carries, and how an answer is told in messages that Twilio takes.

Types and sizes: https://www.twilio.com/docs/messaging/guides/accepted-mime-types and
https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages, read 2026-11. A file that a channel does not
carry becomes a link, in a message after the files: refused by Twilio, it would take the text with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from channels.base import clean_line
from channels.marks import unmarked
from channels.plans import Enclosure, Piece, Plan
from channels.text import split_text
from channels.twilio.segments import Cost, cost

# The longest body Twilio takes, in characters; it cuts it into segments itself.
BODY_LIMIT = 1600
# More SMS than this are worth a word to the agent.
_CHEAP = 3
# What links to files have room for in one message, with their names.
_LINKS_TOGETHER = 4
_LONGEST_LIST = 200

_MB, _KB = 1_000_000, 1_000
_PICTURES = dict.fromkeys(("image/jpeg", "image/png", "image/gif"), 5 * _MB)
_BY_MMS = (
    *("image/bmp", "image/tiff", "image/heic", "image/heif", "application/pdf"),
    *("text/vcard", "text/x-vcard", "text/csv", "text/rtf", "text/calendar", "application/vcard"),
    *("audio/basic", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/3gpp", "audio/ac3", "audio/webm", "audio/amr"),
    *("video/mpeg", "video/mp4", "video/quicktime", "video/webm", "video/3gpp", "video/h264"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
# Without image/webp, which is for stickers of one size, and without what WhatsApp shows to nobody.
_BY_WHATSAPP = (
    *("audio/ogg", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg", "video/mp4", "text/vcard", "application/pdf"),
    *("application/msword", f"{_OFFICE}wordprocessingml.document"),
    *(f"{_OFFICE}presentationml.presentation", f"{_OFFICE}spreadsheetml.sheet"),
)
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/mp3": "audio/mpeg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one channel carries: the size of each type, how many and how much together, and what a caption may be.

    With `marks` it shows the marks of chats; elsewhere they are characters, and the bullet of a list costs an SMS of
    160 its alphabet.
    """

    called: str
    sizes: Mapping[str, int] = field(repr=False)
    together: int
    total: int
    captioned: frozenset[str] | None = None
    longest_caption: int = BODY_LIMIT
    segmented: bool = False
    marks: bool = False

    def carries(self, file: Enclosure) -> bool:
        """Say whether a file can go by this channel."""
        return 0 < file.size <= self.sizes.get(media_type(file.content_type), 0)

    def fits(self, text: str, file: Enclosure) -> bool:
        """Say whether a file can stand in one message with this text."""
        shown = self.captioned is None or media_type(file.content_type) in self.captioned
        return not text or (shown and len(text) <= self.longest_caption)


RULES = {
    "sms": Rules(
        called="text message",
        sizes={**dict.fromkeys(_BY_MMS, 500 * _KB), **_PICTURES},
        together=10,
        total=5 * _MB,
        segmented=True,
    ),
    "whatsapp": Rules(
        called="WhatsApp",
        sizes={**dict.fromkeys(_BY_WHATSAPP, 16 * _MB), "image/jpeg": 5 * _MB, "image/png": 5 * _MB},
        together=1,
        total=16 * _MB,
        captioned=frozenset({"image/jpeg", "image/png", "video/mp4"}),
        longest_caption=1024,
        marks=True,
    ),
}


def media_type(content_type: str) -> str:
    """Return the plain name of a type."""
    plain = content_type.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain)


def plan(channel: str, body: str, files: Sequence[Enclosure]) -> Plan:
    """Tell an answer in messages: its text in parts, then its files in order, then links to what cannot be carried."""
    rules = RULES[channel]
    carried = [place for place, file in enumerate(files) if rules.carries(file)]
    linked = [place for place, file in enumerate(files) if not rules.carries(file)]
    shown = body if rules.marks else unmarked(body)
    texts = [each for each in split_text(shown, BODY_LIMIT) if each]
    pieces = [*_told(rules, texts, files, list(_groups(rules, files, carried))), *_links(linked)]
    return Plan(pieces=tuple(pieces) or (Piece(),), remarks=tuple(_remarks(rules, pieces, files, linked)))


def _groups(rules: Rules, files: Sequence[Enclosure], places: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the files of each message, as many together as one takes."""
    group: list[int] = []
    for place in places:
        size = sum(files[each].size for each in group) + files[place].size
        if group and (len(group) == rules.together or size > rules.total):
            yield tuple(group)
            group = []
        group.append(place)
    if group:
        yield tuple(group)


def _told(
    rules: Rules, texts: Sequence[str], files: Sequence[Enclosure], groups: Sequence[tuple[int, ...]]
) -> Iterator[Piece]:
    """Yield the text's parts, then the files, the first of them with the last part where the channel shows both."""
    if texts and groups and all(rules.fits(texts[-1], files[place]) for place in groups[0]):
        yield from (Piece(body=each) for each in texts[:-1])
        yield Piece(body=texts[-1], files=groups[0])
        groups = groups[1:]
    else:
        yield from (Piece(body=each) for each in texts)
    yield from (Piece(files=each) for each in groups)


def _links(places: Sequence[int]) -> Iterator[Piece]:
    for start in range(0, len(places), _LINKS_TOGETHER):
        yield Piece(links=tuple(places[start : start + _LINKS_TOGETHER]))


def _remarks(rules: Rules, pieces: Sequence[Piece], files: Sequence[Enclosure], linked: Sequence[int]) -> Iterator[str]:
    if linked:
        names = clean_line(", ".join(files[each].name for each in linked), _LONGEST_LIST)
        yield f"The client gets a link to {names}: it cannot go by {rules.called}, for its type or size."
    spent = cost(each.body for each in pieces if not each.files)
    if rules.segmented and spent.segments > _CHEAP:
        yield f"This text costs {spent.segments} SMS ({_alphabet(spent)})."


def _alphabet(spent: Cost) -> str:
    return f"{spent.encoding} because of “{spent.because}”" if spent.because else spent.encoding
