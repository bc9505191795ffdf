"""Phone numbers: as people write them, and the two ways in which networks write some of them."""

import re

_PUNCTUATION = r"\s().\-/\u00a0\u2010-\u2015"
_WRITTEN = re.compile(rf"\+[0-9{_PUNCTUATION}]{{6,40}}")

# Mobiles that old address books, carriers and WhatsApp know without, or with, a digit; the way of today stands first.
# A landline's digits fit none of the two forms, or are given to no mobile besides. Rules of our own, not a library's:
# who is one person must not change with its next release.
_TWO_WAYS = (
    # Brazil put a 9 before its mobiles, which begin with 6 to 9; WhatsApp leaves it out for most area codes.
    (re.compile(r"\+55([1-9]{2})9?([6-9][0-9]{7})"), (r"+55\g<1>9\g<2>", r"+55\g<1>\g<2>")),
    # Argentina: 9 between the country code and a mobile's area code, for callers from abroad and for WhatsApp.
    (re.compile(r"\+549?([1-3][0-9]{9})"), (r"+549\g<1>", r"+54\g<1>")),
    # Mexico gave up the 1 before mobiles in 2019; WhatsApp still writes it.
    (re.compile(r"\+521?([2-9][0-9]{9})"), (r"+52\g<1>", r"+521\g<1>")),
)


def variants(number: str) -> tuple[str, ...]:
    """Return every way to write an E.164 number, the way of today first; most have one, itself."""
    for form, ways in _TWO_WAYS:
        if found := form.fullmatch(number):
            return tuple(found.expand(way) for way in ways)
    return (number,)


def e164(text: str) -> str:
    """Return a number that a person wrote with its country code as `+` and digits; raise `ValueError` when it is none.

    A trunk digit in brackets goes, `+44 (0)20 …`; a number must be as long as its country's are.
    """
    import phonenumbers  # noqa: PLC0415 (6 MB of a process that reads no desk.toml)

    if not _WRITTEN.fullmatch(text):
        raise ValueError("no number")
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise ValueError("no number") from error
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    lengths = {phonenumbers.is_possible_number_with_reason(phonenumbers.parse(each)) for each in variants(number)}
    if phonenumbers.ValidationResult.IS_POSSIBLE not in lengths:
        raise ValueError("no number")
    return number
