"""Our signature on our mails (DKIM, RFC 6376), where a key is set: for relays that sign nothing themselves.

Every header is signed, and those that a mail has once are signed as not to be there twice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("DKIM_DOMAIN", "DKIM_SELECTOR", "DKIM_KEY_FILE")
SMALLEST_KEY = 1024  # bits; verifiers refuse smaller ones (RFC 8301, 3.2)

_LABELS = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ONCE = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"in-reply-to",
    b"references",
    b"content-type",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs mails of one domain and those below it. `key` is RSA, in PEM as PKCS#1."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Signer | None":
        """Read `DKIM_DOMAIN`, `DKIM_SELECTOR` and `DKIM_KEY_FILE`; none of them means no signatures.

        Raises `ValueError` with a sentence, which holds nothing of the key.
        """
        given = {name: environment.get(name, "") for name in NAMES}
        if not any(given.values()):
            return None
        for name, value in given.items():
            if not value:
                raise ValueError(f"{name} is not set: signing needs {', '.join(NAMES)}")
        domain, selector, file = given.values()
        for name, value in (("DKIM_DOMAIN", domain), ("DKIM_SELECTOR", selector)):
            if not _LABELS.fullmatch(value.lower()):
                raise ValueError(f"{name} is a name of the DNS, not {value!r}")
        return cls(domain=domain.lower(), selector=selector.lower(), key=_read(Path(file)))

    def speaks_for(self, domain: str) -> bool:
        """Say whether mail from this domain bears our signature: it is ours or below ours."""
        return domain == self.domain or domain.endswith(f".{self.domain}")

    def sign(self, mail: bytes) -> bytes:
        """Return the mail with its signature above it."""
        # Late: only a process that signs pays for it, some ten megabytes of resolver and cryptography.
        from dkim import DKIM  # noqa: PLC0415 (as said above)

        head, blank, body = mail.partition(b"\r\n\r\n")
        signing = DKIM(head + blank)
        signing.body = body  # given apart, or it would be cut into lines and joined again
        names = [name.lower() for name, _ in signing.headers]
        value = signing.sign(
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"simple"),  # there is nothing in a body of ours that a relay would mend
            include_headers=[*names, *_ONCE],
        )
        return bytes(value) + mail


def _read(file: Path) -> bytes:
    # Late as well: of the many processes of a desk without a key none needs it.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise ValueError(f"DKIM_KEY_FILE {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"DKIM_KEY_FILE {file} holds no private key in PEM, or one with a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < SMALLEST_KEY:
        raise ValueError(f"DKIM_KEY_FILE {file} must hold an RSA key of {SMALLEST_KEY} bits or more, best 2048")
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, traditional, serialization.NoEncryption())
