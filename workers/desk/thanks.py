"""Messages that say no more than thanks: they close a conversation rather than go on with it.

Every word must be known, so that "thanks, but it burns again" is none; in doubt a message is more than thanks.
"""

import re
import unicodedata
from collections.abc import Iterable

from channels.base import Automatic, InboundMessage

LONGEST = 80

# One of these must be there.
_THANKS = """
    thanks thank thx tnx ty tysm cheers +1 👍 🙏 ❤ 🫶
    danke dank dankeschön bedankt dankjewel dankuwel merci mersi gracias obrigado obrigada grazie gràcies
    tack tak takk kiitos dzięki dziękuję díky děkuji ďakujem hvala köszönöm köszi mulțumesc aitäh ačiū paldies
    teşekkür teşekkürler sağol ευχαριστώ спасибо дякую благодаря شكرا תודה
    ありがとう ありがとうございます ありがとうございました 谢谢 謝謝 多谢 多謝 감사합니다 고맙습니다
"""
# What else may be said with it.
_BESIDE = """
    you your so very much many a lot again and of to for the help answer reply quick fast all good great perfect awesome
    excellent super nice cool wonderful brilliant lovely amazing ok okay done solved fixed works working it now that
    everyone team support guys indeed day weekend
    vielen vielmals herzlichen besten lieben schön sehr ihnen dir euch für die ihre eure schnelle hilfe antwort klasse
    prima toll alles klar gut wunderbar jetzt geht
    beaucoup bien parfait super infiniment pour votre aide réponse ça marche vous toi
    muchas mil muchísimas perfecto genial por su tu ayuda respuesta
    muito muita perfeito ótimo pela ajuda
    mille tante molte perfetto ottimo per aiuto
    hartelijk heel hartstikke erg veel mooi top je wel jullie u
    så mycket mange tusen tusind paljon bardzo moc çok çoook большое огромное всё отлично дуже щиро πολύ
    👌 🙌 👏 🎉 😀 😃 😄 😊 🙂 😍 🥳 💯 ✅ 💪
"""
_MARKS = re.compile("[\\s.,!¡…·:*_~\"'\u2019()\u2000-\u200d\ufe0f\U0001f3fb-\U0001f3ff、。-]+")
_FROWN = re.compile(":['\u2019]?-?[(\\[/\\\\]")


def is_thanks(text: str, names: Iterable[str] = ()) -> bool:
    """Say whether a text only thanks; `names` are of people who may be thanked, or sign."""
    if len(text) > LONGEST or _FROWN.search(text):
        return False
    words = set(_words(text))
    called = {word for name in names for word in _words(name)}
    return bool(words & _KNOWN_THANKS) and words <= _KNOWN_THANKS | _KNOWN_BESIDE | called


def only_thanks(said: InboundMessage, agents: Iterable[str] = ()) -> bool:
    """Say whether a client only thanks, by no file and no machine."""
    if said.attachments or said.automatic is not Automatic.NO:
        return False
    return is_thanks(said.body, [said.sender_name, *agents])


def _words(text: str) -> list[str]:
    """Return the words without case and accents; a question mark is part of its word, which nobody knows then."""
    apart = "".join(f" {each} " if unicodedata.category(each) == "So" else each for each in text)
    return [word for word in _MARKS.split(_bare(apart)) if word]


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in letters if not unicodedata.combining(each))


_KNOWN_THANKS = frozenset(_words(_THANKS))
_KNOWN_BESIDE = frozenset(_words(_BESIDE))
