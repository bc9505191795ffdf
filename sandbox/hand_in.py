"""A client's mail program: hands one mail to the product's SMTP door and says how it was answered."""

import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from sandbox.wire import BadRequest, Json, decoded, need

PATIENCE = 30.0
YES = range(200, 400)


def hand_in(door: tuple[str, int], given: Json) -> Json:
    """Send a mail and return `code`, `text` and `message_id`; code 0 means there was no answer. Raises `BadRequest`."""
    sender, recipients = str(given.get("from") or ""), _recipients(given)
    raw = decoded(need(given, "raw_base64")) if "raw_base64" in given else _written(given, sender, recipients)
    try:
        with smtplib.SMTP(*door, local_hostname="client.example", timeout=PATIENCE) as connection:
            code, text = _converse(connection, sender, recipients, raw)
    except smtplib.SMTPResponseException as error:
        return {"code": error.smtp_code, "text": str(error)}
    except (OSError, smtplib.SMTPException) as error:
        return {"code": 0, "text": str(error) or type(error).__name__}
    return {"code": code, "text": text.decode(errors="replace")}


def _converse(connection: smtplib.SMTP, sender: str, recipients: list[str], raw: bytes) -> tuple[int, bytes]:
    connection.ehlo()
    options = ["SMTPUTF8"] if not "".join([sender, *recipients]).isascii() else []
    if options:
        connection.command_encoding = "utf-8"
    answer = connection.mail(sender, options)
    for recipient in recipients:
        if answer[0] in YES:
            answer = connection.rcpt(recipient)
    return connection.data(raw) if answer[0] in YES else answer


def _recipients(given: Json) -> list[str]:
    to = given.get("to")
    recipients = [to] if isinstance(to, str) else list(to or [])
    if not recipients:
        raise BadRequest("to is missing")
    return recipients


def _written(given: Json, sender: str, recipients: list[str]) -> bytes:
    mail = EmailMessage()
    headers = {"From": sender, "To": ", ".join(recipients), "Subject": given.get("subject", ""), "Date": formatdate()}
    headers |= {"Message-ID": make_msgid(domain="client.example")} | (given.get("headers") or {})
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(given.get("body", ""))
    for one in given.get("attachments") or []:
        kind, _, subkind = (one.get("mimetype") or "application/octet-stream").partition("/")
        content = decoded(str(one.get("content_base64") or ""))
        mail.add_attachment(content, maintype=kind, subtype=subkind, filename=need(one, "name"))
    return mail.as_bytes(policy=SMTP)
