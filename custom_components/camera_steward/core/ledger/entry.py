"""What an entry and a checkpoint are, which bytes are hashed and signed: values, no database."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Self, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..errors import LedgerBrokenError
from ..model import from_micros, to_micros

type Json = bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None
"""What an entry's data may hold; NaN and infinities are refused."""

SYSTEM = "steward"
"""The actor of entries that no person caused."""

_ENTRY_TAG = b"camera-steward/ledger/entry/1"
_CHAIN_TAG = b"camera-steward/ledger/chain/1"
_HEAD_TAG = b"camera-steward/ledger/head/1"
_CHECKPOINT_TAG = b"camera-steward/ledger/checkpoint/1"
_NOTHING = struct.pack(">I", 0xFFFFFFFF)


class EntryKind(StrEnum):
    """What happened. A new kind is one line here; its data is its register's own business."""

    SITE_CREATED = "site_created"
    SETTINGS_CHANGED = "settings_changed"
    CAMERA_ADDED = "camera_added"
    CAMERA_REMOVED = "camera_removed"
    RECORDING_STARTED = "recording_started"
    RECORDING_STOPPED = "recording_stopped"
    PURGE = "purge"
    EVICTION = "eviction"
    STATEMENT = "statement"
    CLOCK_SUSPENDED = "clock_suspended"
    CLOCK_ACCEPTED = "clock_accepted"
    SEGMENTS_RECOVERED = "segments_recovered"
    FINDING = "finding"
    PERSON_APPOINTED = "person_appointed"
    PERSON_REMOVED = "person_removed"
    PLEDGE_ACCEPTED = "pledge_accepted"
    PERMISSION_GIVEN = "permission_given"
    PERMISSION_ENDED = "permission_ended"
    VIEWING_STARTED = "viewing_started"
    VIEWING_ENDED = "viewing_ended"
    VIEWING_DENIED = "viewing_denied"
    VIEWING_UNUSUAL = "viewing_unusual"
    REGISTER_READ = "register_read"
    HOLD_PLACED = "hold_placed"
    HOLD_RENEWED = "hold_renewed"
    HOLD_REVIEWED = "hold_reviewed"
    HOLD_ENDED = "hold_ended"
    DISCLOSURE_REFUSED = "disclosure_refused"
    DISCLOSURE_APPROVED = "disclosure_approved"
    DISCLOSURE_STARTED = "disclosure_started"
    DISCLOSURE_ENDED = "disclosure_ended"
    FOLDER_ADDED = "folder_added"
    FOLDER_REMOVED = "folder_removed"
    FOLDER_PURGE = "folder_purge"
    FOLDER_IMPORT = "folder_import"
    COPY_NOTICED = "copy_noticed"
    COPY_CHECKED = "copy_checked"
    RECOVERY_KIT_TAKEN = "recovery_kit_taken"
    VAULT_ADOPTED = "vault_adopted"
    PACK_CHOSEN = "pack_chosen"
    CONTROL_CHANGED = "control_changed"
    TASK_DONE = "task_done"
    RULES_ADOPTED = "rules_adopted"
    RECORD_OPENED = "record_opened"
    RECORD_CHANGED = "record_changed"
    RECORD_CLOSED = "record_closed"
    FAULT_FOUND = "fault_found"
    FAULT_GONE = "fault_gone"
    UTILIZATION_DECLARED = "utilization_declared"
    UTILIZATION_BEGUN = "utilization_begun"
    UTILIZATION_ENDED = "utilization_ended"
    UTILIZATION_REMOVED = "utilization_removed"
    UTILIZATION_VIEWED = "utilization_viewed"
    CHECKPOINT = "checkpoint"
    LEDGER_RESTARTED = "ledger_restarted"
    LEDGER_CONTINUED = "ledger_continued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    `kind` is an `EntryKind`, or plain text where a newer version wrote it. `data` is what canonical
    JSON gives back. `previous` and `hash` are 64 lower-case hexadecimal digits.
    """

    id: int
    at: datetime
    actor: str
    kind: str
    subject: str
    data: Mapping[str, Json]
    key: str | None
    previous: str
    hash: str


def kind_of(text: str) -> str:
    """Return the known kind of this name, or the name itself."""
    try:
        return EntryKind(text)
    except ValueError:
        return text


def canonical(data: Mapping[str, Json]) -> str:
    """Return the one text of `data`: keys sorted, no spaces, UTF-8.

    Raises `ValueError` or `TypeError` on what JSON cannot hold alike everywhere (NaN, infinities,
    lone surrogates, keys that are no text).
    """
    text = json.dumps(
        _plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    text.encode()
    return text


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        if not all(isinstance(each, str) for each in value):
            raise TypeError("keys of an entry's data must be text")
        return {each: _plain(held) for each, held in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    raise TypeError("an entry's data must be what JSON holds")


def encode(*fields: bytes | None) -> bytes:
    """Join fields so that no other fields give the same bytes: each after its own length.

    The length is 4 bytes, big-endian; `0xFFFFFFFF` without bytes stands for an absent field.
    """
    parts: list[bytes] = []
    for each in fields:
        if each is None:
            parts.append(_NOTHING)
        else:
            parts.append(struct.pack(">I", len(each)))
            parts.append(each)
    return b"".join(parts)


def number(value: int) -> bytes:
    """Return a whole number as 8 bytes, signed, big-endian."""
    return struct.pack(">q", value)


def entry_hash(
    *,
    id_: int,
    at: int,
    actor: str,
    kind: str,
    subject: str,
    data: str,
    key: str | None,
    previous: str,
) -> str:
    """Return the hash of an entry from its stored columns (`at` in µs, `data` as stored text)."""
    return sha256(
        encode(
            _ENTRY_TAG,
            number(id_),
            number(at),
            actor.encode(),
            kind.encode(),
            subject.encode(),
            data.encode(),
            None if key is None else key.encode(),
            previous.encode(),
        )
    ).hexdigest()


def genesis(chain: str, public_key: Ed25519PublicKey) -> str:
    """Return what the first entry of a chain has as its previous hash."""
    return sha256(encode(_CHAIN_TAG, chain.encode(), public_key.public_bytes_raw())).hexdigest()


def fingerprint(public_key: Ed25519PublicKey) -> str:
    """Return the name of a key: the SHA-256 of its 32 bytes, hexadecimal."""
    return sha256(public_key.public_bytes_raw()).hexdigest()


def head_message(chain: str, count: int, head: str) -> bytes:
    """Return what the signature of the head row is over."""
    return encode(_HEAD_TAG, chain.encode(), number(count), head.encode())


def is_signed(public_key: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    """Return whether a hexadecimal signature is this key's over these bytes."""
    try:
        public_key.verify(bytes.fromhex(signature), message)
    except InvalidSignature, ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed word that the ledger `chain` had `count` entries and ended in `hash` at a time.

    Kept outside the ledger's file as well, it shows a rollback to an older copy of the file.
    `signer` is the fingerprint of the key; the signature is Ed25519, hexadecimal.
    """

    chain: str
    count: int
    hash: str
    at: datetime
    signer: str
    signature: str

    @classmethod
    def sign(
        cls, key: Ed25519PrivateKey, *, chain: str, count: int, head: str, at: datetime
    ) -> Self:
        """Make a checkpoint of a state that the caller has checked."""
        signer = fingerprint(key.public_key())
        signature = key.sign(_checkpoint_message(chain, count, head, at, signer)).hex()
        return cls(chain=chain, count=count, hash=head, at=at, signer=signer, signature=signature)

    def is_signed_by(self, public_key: Ed25519PublicKey) -> bool:
        """Return whether this key signed exactly these fields."""
        try:
            message = _checkpoint_message(
                self.chain, self.count, self.hash, self.at, fingerprint(public_key)
            )
        except struct.error, ValueError:
            return False
        return self.signer == fingerprint(public_key) and is_signed(
            public_key, self.signature, message
        )

    def to_data(self) -> dict[str, Json]:
        """Return the fields as an entry's data; the time is ISO 8601 in UTC."""
        return {
            "chain": self.chain,
            "count": self.count,
            "hash": self.hash,
            "at": self.at.isoformat(),
            "signer": self.signer,
            "signature": self.signature,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Json]) -> Self:
        """Read the fields back; `LedgerBrokenError` when they are not a checkpoint's."""
        texts = [data.get(name) for name in ("chain", "hash", "signer", "signature")]
        count = data.get("count")
        if not all(isinstance(each, str) for each in texts) or type(count) is not int:
            raise LedgerBrokenError("checkpoint")
        chain, head, signer, signature = cast("list[str]", texts)
        return cls(
            chain=chain,
            count=count,
            hash=head,
            at=parse_time(data.get("at"), "checkpoint"),
            signer=signer,
            signature=signature,
        )

    def to_json(self) -> str:
        """Return the text to keep outside the ledger: one line of canonical JSON."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a kept text; `LedgerBrokenError` when it is none. The signature is not checked."""
        return cls.from_data(parse_data(text, "checkpoint"))


def _checkpoint_message(chain: str, count: int, head: str, at: datetime, signer: str) -> bytes:
    return encode(
        _CHECKPOINT_TAG,
        chain.encode(),
        number(count),
        head.encode(),
        number(to_micros(at)),
        signer.encode(),
    )


def parse_data(text: str | bytes, what: str) -> dict[str, Json]:
    """Return an entry's data from its text; `LedgerBrokenError` naming `what` when it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise LedgerBrokenError(what) from err
    if not isinstance(data, dict):
        raise LedgerBrokenError(what)
    return cast("dict[str, Json]", data)


def parse_time(value: Json, what: str) -> datetime:
    """Return an aware UTC time from ISO 8601; `LedgerBrokenError` naming `what` otherwise."""
    try:
        moment = datetime.fromisoformat(cast("str", value))
        if moment.tzinfo is None:
            raise LedgerBrokenError(what)
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as err:
        raise LedgerBrokenError(what) from err


def moment_of(micros: int, what: str) -> datetime:
    """Return the time of stored microseconds; `LedgerBrokenError` when no calendar has it."""
    try:
        return from_micros(micros)
    except OverflowError as err:
        raise LedgerBrokenError(what) from err
