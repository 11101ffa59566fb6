"""Sign so that stock OpenSSH verifies: SSHSIG by an Ed25519 key (OpenSSH, PROTOCOL.sshsig)."""

from base64 import b64encode
from hashlib import sha256, sha512
from struct import pack
from textwrap import wrap
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAMESPACE: Final = "camera-steward-package"
"""What signatures are made for: one for a package says nothing about anything else."""

IDENTITY: Final = "camera-steward"
_MAGIC = b"SSHSIG"
_KIND = b"ssh-ed25519"


def _string(data: bytes) -> bytes:
    return pack(">I", len(data)) + data


def _wire(key: Ed25519PublicKey) -> bytes:
    return _string(_KIND) + _string(key.public_bytes_raw())


def public_line(key: Ed25519PublicKey) -> str:
    """Return the key as OpenSSH writes public keys, with its fingerprint's owner as the comment."""
    return f"{_KIND.decode()} {b64encode(_wire(key)).decode()} {IDENTITY}\n"


def allowed_signers(key: Ed25519PublicKey) -> str:
    """Return the file that `ssh-keygen -Y verify` takes by `-f`: this key, for packages only."""
    line = public_line(key).rsplit(" ", 1)[0]
    return f'{IDENTITY} namespaces="{NAMESPACE}" {line}\n'


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return what `ssh-keygen -l` says of the key: `SHA256:` and 43 signs."""
    return "SHA256:" + b64encode(sha256(_wire(key)).digest()).decode().rstrip("=")


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """Return the armored signature over a file's bytes."""
    inner = _string(NAMESPACE.encode()) + _string(b"") + _string(b"sha512")
    signature = key.sign(_MAGIC + inner + _string(sha512(message).digest()))
    blob = (
        _MAGIC
        + pack(">I", 1)
        + _string(_wire(key.public_key()))
        + inner
        + _string(_string(_KIND) + _string(signature))
    )
    body = "\n".join(wrap(b64encode(blob).decode(), 70))
    return f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"
