"""Whether a person or a machine wrote a mail, and why we think so."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from channels.base import Automatic
from channels.email import address, decode, mime, references, tokens
from channels.email.headers import Headers
from channels.email.languages import any_of

LOOP_HEADER = "x-frontdesk"

_ANSWERED = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply", "x-vacation")
_LIST = ("list-id", "list-unsubscribe", "list-post", "list-help", "mailing-list", "x-mailing-list")
_BULK = ("bulk", "list", "junk")
_MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no[-_.]?reply|do[-_.]?not[-_.]?reply|bounces?)\b.*")
_ABSENT = re.compile(rf"\s*{any_of('absence', 'subjects')}(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is judged: the headers, the envelope sender (`None` where there was no envelope), our addresses."""

    headers: Headers
    mail_from: str | None
    ours: Collection[str]

    def our_domain(self, domain: str) -> bool:
        """Say whether a domain is that of an address of ours the mail was sent to."""
        return domain.lower() in {address.domain_of(each) for each in self.ours}


def kind(headers: Headers, mail_from: str | None, ours: Collection[str]) -> Automatic:
    """Return who wrote the mail: a person, or which kind of machine."""
    return judge(headers, mail_from, ours)[0]


def reason(headers: Headers, mail_from: str | None, ours: Collection[str]) -> str:
    """Return the name of the rule that decided, empty for a person's mail."""
    return judge(headers, mail_from, ours)[1]


def judge(headers: Headers, mail_from: str | None, ours: Collection[str]) -> tuple[Automatic, str]:
    """Return the first rule's verdict that fits, with its name."""
    origin = Origin(headers=headers, mail_from=mail_from, ours=ours)
    for name, verdict, fits in _RULES:
        if fits(origin):
            return verdict, name
    return Automatic.NO, ""


def _echo(origin: Origin) -> bool:
    """Look for our mark or our Message-ID, with a domain of ours: another desk's Frontdesk writes as a person."""
    marks = (origin.headers.first(LOOP_HEADER), references.message_id(origin.headers))
    ids = (each for mark in marks for each in references.message_ids(f"<{mark.strip('<> ')}>"))
    return any(tokens.idempotency_key(each) and origin.our_domain(address.domain_of(each)) for each in ids)


def _report(origin: Origin, *wanted: str) -> bool:
    declared = origin.headers.first("content-type")[:4096]
    if not declared.lower().lstrip().startswith("multipart/report"):
        return False
    return mime.parameters(declared).get("report-type", "").lower().startswith(wanted)


def _read_receipt(origin: Origin) -> bool:
    return _report(origin, "disposition-notification")


def _delivery_report(origin: Origin) -> bool:
    return _report(origin, "")


def _auto_submitted(origin: Origin) -> str:
    return origin.headers.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()


def _auto_replied(origin: Origin) -> bool:
    return _auto_submitted(origin).startswith("auto-replied")


def _auto_generated(origin: Origin) -> bool:
    return _auto_submitted(origin) not in {"", "no"}


def _absence_subject(origin: Origin) -> bool:
    """Look for the words, which decide nothing alone: people write about their absence too."""
    if not _ABSENT.match(decode.line(origin.headers.first("subject")[:1000])):
        return False
    marked = _auto_generated(origin) or _suppressed(origin) or _precedence(origin) or _null_sender(origin)
    return bool(marked) or any(origin.headers.first(name) for name in ("in-reply-to", "references"))


def _answer_header(origin: Origin) -> bool:
    given = (origin.headers.first(name).strip().lower() for name in _ANSWERED)
    return any(value not in {"", "no", "false"} for value in given) or _precedence(origin) in {
        "auto_reply",
        "auto-reply",
    }


def _precedence(origin: Origin) -> str:
    return origin.headers.first("precedence").strip().lower()


def _null_sender_to_token(origin: Origin) -> bool:
    answered = references.message_ids(origin.headers.first("in-reply-to"))
    return _null_sender(origin) and any(tokens.idempotency_key(each) for each in answered)


def _null_sender(origin: Origin) -> bool:
    if origin.mail_from is None:
        return origin.headers.first("return-path").strip() == "<>"
    return origin.mail_from.strip() in {"", "<>"}


def _suppressed(origin: Origin) -> bool:
    return origin.headers.first("x-auto-response-suppress").strip().lower() not in {"", "none"}


def _bulk(origin: Origin) -> bool:
    return _precedence(origin) in _BULK and not _own_group(origin)


def _mailing_list(origin: Origin) -> bool:
    return any(origin.headers.first(name) for name in _LIST) and not _own_group(origin)


def _own_group(origin: Origin) -> bool:
    """Say whether the list is ours: a desk's mailbox is often a group, which marks each client's mail as list mail."""
    named = origin.headers.first("list-id").strip().rstrip(">").rpartition("<")[2].lower()
    return bool(named) and any(named.endswith("." + address.domain_of(each)) for each in origin.ours)


def _machine_sender(origin: Origin) -> bool:
    sender = address.sole_mailbox(origin.headers.first("from"))
    return sender is not None and bool(_MACHINES.fullmatch(sender.address.rpartition("@")[0]))


def _from_ourselves(origin: Origin) -> bool:
    """Say whether From is our own address: no echo, since forms on our own site write in our name for clients."""
    sender = address.sole_mailbox(origin.headers.first("from"))
    return sender is not None and address.mailbox_of(sender.address) in origin.ours


_RULES: tuple[tuple[str, Automatic, Callable[[Origin], bool]], ...] = (
    ("echo", Automatic.ECHO, _echo),
    ("read_receipt", Automatic.ANSWER, _read_receipt),
    ("report", Automatic.NOTICE, _delivery_report),
    ("auto_replied", Automatic.ANSWER, _auto_replied),
    ("absence_subject", Automatic.ANSWER, _absence_subject),
    ("answer_header", Automatic.ANSWER, _answer_header),
    ("null_sender_answer", Automatic.ANSWER, _null_sender_to_token),
    ("auto_generated", Automatic.NOTICE, _auto_generated),
    ("suppressed", Automatic.NOTICE, _suppressed),
    ("bulk", Automatic.NOTICE, _bulk),
    ("mailing_list", Automatic.NOTICE, _mailing_list),
    ("null_sender", Automatic.NOTICE, _null_sender),
    ("machine_sender", Automatic.NOTICE, _machine_sender),
    ("from_ourselves", Automatic.NOTICE, _from_ourselves),
)
