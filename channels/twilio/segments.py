"""What a text costs: in how many SMS it goes out, by the alphabet its characters need.

3GPP TS 23.038 (alphabet, extension table) and 23.040 (parts of long messages). Neither a sign of the extension table
nor a surrogate pair is cut in two, so a part may hold one place less than it could.
"""

from collections.abc import Iterable
from dataclasses import dataclass

GSM_7, UCS_2 = "GSM-7", "UCS-2"

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_ALPHABET = _BASIC | _EXTENSION

# Places in a message that is alone, and in each part of a longer one, where a header takes the rest.
_ROOM = {GSM_7: (160, 153), UCS_2: (70, 67)}
_LAST_OF_TWO_BYTES = 0xFFFF
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a text costs: SMS, alphabet, and the first few characters that forbid the cheaper one."""

    segments: int
    encoding: str
    because: str = ""


def cost(texts: Iterable[str]) -> Cost:
    """Count what these texts cost together, each sent by itself."""
    counted = [_cost(each) for each in texts if each]
    because = "".join(dict.fromkeys("".join(each.because for each in counted)))[:_SHOWN]
    return Cost(segments=sum(each.segments for each in counted), encoding=UCS_2 if because else GSM_7, because=because)


def _cost(text: str) -> Cost:
    strange = "".join(dict.fromkeys(each for each in text if each not in _ALPHABET))
    encoding = UCS_2 if strange else GSM_7
    widths = [_width(each, encoding) for each in text]
    alone, joined = _ROOM[encoding]
    segments = 1 if sum(widths) <= alone else _parts(widths, joined)
    return Cost(segments=segments, encoding=encoding, because=strange)


def _width(character: str, encoding: str) -> int:
    if encoding == GSM_7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > _LAST_OF_TWO_BYTES else 1


def _parts(widths: Iterable[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
