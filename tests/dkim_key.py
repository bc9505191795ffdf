"""A key to sign with, and the DNS that has its public half."""

import base64
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key in a file, for the domain `desk.example`."""

    file: Path
    public: rsa.RSAPublicKey

    @classmethod
    def made_in(cls, folder: Path) -> "Key":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        file = folder / "dkim.pem"
        form = serialization.PrivateFormat.PKCS8
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return cls(file=file, public=key.public_key())

    @property
    def settings(self) -> dict[str, str]:
        return {"DKIM_DOMAIN": "desk.example", "DKIM_SELECTOR": "s1", "DKIM_KEY_FILE": str(self.file)}

    def dns(self, name: bytes, timeout: float = 5) -> bytes:  # noqa: ARG002 (dkimpy names it)
        """Answer as the DNS would, to `dkim.verify`."""
        if name != b"s1._domainkey.desk.example.":
            return b""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self.public.public_bytes(serialization.Encoding.DER, form)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)
