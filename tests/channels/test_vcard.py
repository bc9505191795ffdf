import random

import pytest

from channels.vcard import contacts

FROM_WHATSAPP = (
    b"BEGIN:VCARD\nVERSION:3.0\nN:Lima;Ana;;;\nFN:Ana Lima\nORG:ACME;Sales\n"
    b"item1.TEL;waid=15557654321:+1 555 765-4321\n"
    b"item1.X-ABLabel:Mobile\nitem2.EMAIL;TYPE=INTERNET:ana@client.example\nEND:VCARD\n"
)
FROM_AN_OLD_PHONE = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96zg=C3=BCr;J=\r\n=C3=BCrgen;;;\r\n"
    b"TEL;CELL:+491711234567\r\nTEL;WORK:+49 30 1234567\r\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRg==\r\n"
    b"EMAIL;X-INTERNET:j@client.example\r\nEND:VCARD\r\n"
)
OF_FOUR = (
    b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ana\\, the\r\n  boss\r\n"
    b'TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+1-555-765-4321\r\n'
    b"NOTE:TEL:+1666\r\nEND:VCARD\r\nBEGIN:VCARD\r\nORG:Only a firm;\r\nEND:VCARD\r\n"
)


@pytest.mark.parametrize(
    ("card", "lines"),
    [
        (FROM_WHATSAPP, ("Contact: Ana Lima, ACME Sales, +1 555 765-4321, ana@client.example",)),
        (FROM_AN_OLD_PHONE, ("Contact: Jürgen Özgür, +491711234567, +49 30 1234567, j@client.example",)),
        (OF_FOUR, ("Contact: Ana, the boss, +1-555-765-4321", "Contact: Only a firm")),
        (b"\xef\xbb\xbf" + FROM_WHATSAPP[:40], ("Contact: Ana Lima",)),
        (b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=klingon:a=FF\nEND:VCARD", ("Contact: a\ufffd",)),
        (b"BEGIN:VCARD\nFN:a\x00b <!channel>\nEND:VCARD", ("Contact: a\ufffdb <!channel>",)),
        (b"", ()),
        (b"BEGIN:VCARD\nEND:VCARD", ()),
        (b"\xff\xd8\xff\xe0 no card", ()),
    ],
)
def test_a_card_says_whom_it_names_and_how_to_reach_them(card: bytes, lines: tuple[str, ...]) -> None:
    assert contacts(card) == lines


def test_a_card_made_to_hurt_is_bounded() -> None:
    many = b"BEGIN:VCARD\n" + b"TEL:+1" * 200_000 + b"\n" + b"".join(b"TEL:+%d\n" % each for each in range(50_000))
    (line,) = contacts(many)
    assert len(line) < 1500
    assert len(contacts((FROM_WHATSAPP + b"\n") * 3000)) == 10
    assert contacts(b"TEL" + b";a" * 500_000) == contacts(b"FN=\n" * 250_000) == contacts(b" " * (1 << 20)) == ()


def test_damaged_cards_raise_nothing() -> None:
    chance = random.Random(7)
    for _ in range(300):
        card = bytearray(chance.choice([FROM_WHATSAPP, FROM_AN_OLD_PHONE, OF_FOUR]))
        for _ in range(chance.randint(1, 12)):
            card[chance.randrange(len(card))] = chance.randrange(256)
        assert all(line.startswith("Contact: ") and "\n" not in line for line in contacts(bytes(card)))
