import pytest

from channels.twilio.segments import Cost, cost

# 3GPP TS 23.038: 160 septets alone, 153 in a part; 70 and 67 characters of UCS-2.
TEXTS = {
    "": (0, "GSM-7"),
    "a" * 160: (1, "GSM-7"),
    "a" * 161: (2, "GSM-7"),
    "a" * 306: (2, "GSM-7"),
    "a" * 307: (3, "GSM-7"),
    "€" * 80: (1, "GSM-7"),
    "€" * 81: (2, "GSM-7"),
    # 76 pairs fill 152 of 153 places: none is cut in two, so 153 pairs need a third part.
    "€" * 152: (2, "GSM-7"),
    "€" * 153: (3, "GSM-7"),
    "[]{}\\~|^\f€": (1, "GSM-7"),
    "Grüße, señor Ñandú: Δέλτα"[:18]: (1, "UCS-2"),
    "ÄÖÜäöüß@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæÉ¤¡§¿ñà\r\n": (1, "GSM-7"),
    "ş" * 70: (1, "UCS-2"),
    "ş" * 71: (2, "UCS-2"),
    "ş" * 134: (2, "UCS-2"),
    "ş" * 135: (3, "UCS-2"),
    "🔥" * 35: (1, "UCS-2"),
    "🔥" * 36: (2, "UCS-2"),
    # 33 pairs fill 66 of 67 places.
    "🔥" * 66: (2, "UCS-2"),
    "🔥" * 67: (3, "UCS-2"),
    "`": (1, "UCS-2"),
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text[:3]}x{len(text)}")
def test_a_text_costs_what_its_alphabet_asks_for(text: str) -> None:
    found = cost([text])
    assert (found.segments, found.encoding) == TEXTS[text]


def test_parts_that_go_out_by_themselves_are_counted_by_themselves() -> None:
    assert cost(["a" * 100, "ş" * 71, "a" * 10]) == Cost(segments=4, encoding="UCS-2", because="ş")


def test_the_first_characters_that_make_a_text_dear_are_named_once_each() -> None:
    assert cost(["a ş b “ ş ğ 🔥"]).because == "ş“ğ"
