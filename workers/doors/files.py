"""How a file of an answer is handed to whoever has its address: a download, of its own type where that is harmless."""

import re
import unicodedata
from urllib.parse import quote

from starlette.responses import Response

from models.attachments import StoredAttachment

# Providers compare the type with the content and refuse what differs. Nothing here can run in a browser, and all of it
# is a download anyway; anything else is plain bytes.
_HARMLESS = re.compile(
    r"image/(jpe?g|png|gif|webp|bmp|tiff|hei[cf])|(audio|video)/[a-z0-9.+-]+|text/(x-)?vcard|text/(csv|rtf|calendar)|"
    r"application/(pdf|vcard|msword|vnd\.openxmlformats-officedocument\.[a-z.]+)"
)
_NO_TYPE = "application/octet-stream"
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
# Of a name: Twilio asks for twenty characters at most, of the plainest kind.
_STEM, _ENDING = 15, 5

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
}


def file_response(file: StoredAttachment, content: bytes) -> Response:
    """Return a file's bytes as a download under its name."""
    kind = file.content_type.partition(";")[0].strip().lower()
    return Response(
        content,
        media_type=kind if _HARMLESS.fullmatch(kind) else _NO_TYPE,
        headers={**_HEADERS, "Content-Disposition": disposition(file.name)},
    )


def disposition(name: str) -> str:
    """Return a header that says download, with a plain name for phones and the whole one for browsers (RFC 6266)."""
    plain = _plain(name)
    whole = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{whole}'


def _plain(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = ascii_only.rpartition(".")
    if not dot:
        stem, ending = ascii_only, ""
    stem, ending = _STRANGE.sub("-", stem).strip("-.")[:_STEM] or "file", _STRANGE.sub("", ending)[: _ENDING - 1]
    return f"{stem}.{ending}" if ending else stem
