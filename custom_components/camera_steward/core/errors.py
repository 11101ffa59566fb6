"""Every error that the core raises; the edge translates each class once by its `key`."""

from typing import Final

_LONGEST_WORD: Final = 60
"""Of what an error quotes."""


class StewardError(Exception):
    """Base of all; `key` is the translation key and `detail` holds nothing secret."""

    key = "unknown"
    names_field = False
    """Whether `detail` names what of the input is wrong."""

    def __init__(self, detail: str = "") -> None:
        """Keep the detail, which must be free of addresses and credentials."""
        super().__init__(detail or self.key)
        self.detail = detail


class UnexpectedError(StewardError):
    """A mistake of the program itself; `detail` names the kind of error and nothing else."""


class StoppedError(StewardError):
    """Something long was broken off because the steward is stopping."""

    key = "stopped"


class StorageError(StewardError):
    """Writing or reading the vault failed for a reason of the storage itself."""

    key = "storage_failed"


class VaultMissingError(StorageError):
    """The directory holds no vault: not mounted, or removed."""

    key = "vault_missing"


class VaultForeignError(StorageError):
    """The directory holds another site's vault."""

    key = "vault_foreign"


class StorageFullError(StorageError):
    """No space is left on the device."""

    key = "storage_full"


class StorageReadOnlyError(StorageError):
    """The device or directory cannot be written to."""

    key = "storage_read_only"


class FolderMissingError(StewardError):
    """A managed folder is not there, cannot be opened, or a link stands in its way."""

    key = "folder_missing"


class FolderForeignError(StewardError):
    """A managed folder does not bear its mark: another disk, the marker removed, or never confirmed."""

    key = "folder_foreign"


class FootageError(StewardError):
    """A stored segment cannot be read as it was written."""

    key = "segment_damaged"


class KeyMissingError(FootageError):
    """The hour key of a segment is gone or does not open."""

    key = "key_missing"


class SegmentMissingError(FootageError):
    """The file of a segment that the index knows is gone."""

    key = "segment_missing"


class DescriptionError(StewardError):
    """What the vault says of its site is damaged, or is not of this key."""

    key = "description_damaged"


class KitMistypedError(StewardError):
    """A recovery code that is none: `detail` is the number of the line, where that can be told."""

    key = "kit_mistyped"


class KitWrongError(StewardError):
    """A recovery code that opens nothing in this vault."""

    key = "kit_wrong"


class LiveMissingError(StewardError):
    """A camera shows nothing live; `detail` is what it does instead, or `rare`."""

    key = "live_missing"


class EncoderMissingError(StewardError):
    """Footage must be converted for the screen, and nothing on this machine can do so."""

    key = "encoder_missing"


class IndexUnreadableError(StewardError):
    """The index cannot be read; it can be rebuilt from the vault."""

    key = "index_unreadable"


class LedgerBrokenError(StewardError):
    """The ledger fails its check: an entry was changed, removed or moved."""

    key = "ledger_broken"


class SourceError(StewardError):
    """A camera's stream could not be received; `cause` names the gap it makes."""

    key = "source_failed"
    cause = "unknown"


class SourceUnreachableError(SourceError):
    """Nothing answers at the address."""

    key = "source_unreachable"
    cause = "unreachable"


class SourceRefusedError(SourceError):
    """The camera refused the user name or password."""

    key = "source_refused"
    cause = "refused"


class SourceNoVideoError(SourceError):
    """The stream has no video."""

    key = "source_no_video"
    cause = "no_video"


class SourceUnsupportedError(SourceError):
    """The video's codec cannot be stored unaltered."""

    key = "source_unsupported"
    cause = "unsupported"


class SourceStalledError(SourceError):
    """The connection is open but nothing came for the time allowed."""

    key = "source_stalled"
    cause = "stalled"


class SourceEndedError(SourceError):
    """The stream ended."""

    key = "source_ended"
    cause = "ended"


class SourceNoKeyframeError(SourceError):
    """No keyframe came for the time allowed."""

    key = "source_no_keyframe"
    cause = "no_keyframe"


class RetentionError(StewardError):
    """A retention that cannot be accepted."""

    key = "retention_invalid"


class RetentionTooLongError(RetentionError):
    """Longer than the pack's ceiling without reason, approver and review date (INV-7)."""

    key = "retention_too_long"


class PackError(StewardError):
    """A policy pack that cannot be used, and where in which file.

    `problem` is the key of a text (`pack_problem_<problem>`), `what` the word of the file that is
    meant, `file` a bare name; everyone may be shown them. `line` counts from 1; it is 0 where the
    file as a whole is meant.
    """

    key = "pack_invalid"

    def __init__(self, problem: str, *, file: str, line: int = 0, what: str = "") -> None:
        """Keep where and what; a long word is cut."""
        self.problem = problem
        self.file = file
        self.line = line
        self.what = what if len(what) <= _LONGEST_WORD else f"{what[:_LONGEST_WORD]}…"
        super().__init__(f"{file}:{line}: {problem}: {self.what}")


class PledgeStaleError(StewardError):
    """The pledge or the rules were changed since they were read."""

    key = "pledge_stale"


class PermissionInvalidError(StewardError):
    """A guest permission that cannot be given: `detail` names the field."""

    key = "permission_invalid"
    names_field = True


class DisclosureInvalidError(StewardError):
    """A request or an order to hand over that cannot be entered so: `detail` names the field."""

    key = "disclosure_invalid"
    names_field = True


class NoGroundError(StewardError):
    """Nothing may be handed over on what is asked for: it is none of the pack's grounds."""

    key = "no_ground"


class SpanEmptyError(StewardError):
    """A span of footage that has no length."""

    key = "span_empty"


class SpanFutureError(StewardError):
    """A span of footage that has not passed yet."""

    key = "span_future"


class NoFootageError(StewardError):
    """Of what is asked for, nothing is kept."""

    key = "no_footage"


class HoldInvalidError(StewardError):
    """A hold that cannot be placed or renewed: `detail` names the field."""

    key = "hold_invalid"
    names_field = True


class HoldEmptyError(HoldInvalidError):
    """Nothing is stored of the span that is to be held."""

    key = "hold_empty"


class HoldTooLargeError(StewardError):
    """A hold for which there is no space: its copies would leave less free than the reserve."""

    key = "hold_too_large"

    def __init__(self, *, needed_bytes: int, free_bytes: int, reserve_bytes: int) -> None:
        """Keep the figures: what all copies that are still to be made take, and what is there."""
        super().__init__(f"{needed_bytes} of {free_bytes}, reserve {reserve_bytes}")
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
        self.reserve_bytes = reserve_bytes


class HoldMissingError(StewardError):
    """There is no such hold, or it has ended."""

    key = "hold_missing"


class HoldFailedError(StewardError):
    """The storage did not let something be copied or ended; `detail` is its error's key.

    No `StorageError`: what one hold lacks must not keep the site from recording.
    """

    key = "hold_failed"


class TaskInvalidError(StewardError):
    """A task that cannot be said to be done so: `detail` names the question, or `task`."""

    key = "task_invalid"
    names_field = True


class RecordInvalidError(StewardError):
    """A record of the books that cannot be entered so: `detail` names the field."""

    key = "record_invalid"
    names_field = True


class RecordMissingError(StewardError):
    """There is no such record, or it is closed already."""

    key = "record_missing"


class RemovalOpenError(StewardError):
    """A camera that is being removed records no more, and is not removed twice."""

    key = "removal_open"


class RemovalBlockedError(StewardError):
    """Footage that cannot be erased now: `detail` numbers what still needs it."""

    key = "removal_blocked"


class RemovalUnfinishedError(StewardError):
    """A removal that cannot be closed yet: footage that was to be erased is still there."""

    key = "removal_footage_left"


class RemovalDeviceLeftError(RemovalUnfinishedError):
    """Nobody has said that the camera was taken down."""

    key = "removal_device_left"


class RemovalSignLeftError(RemovalUnfinishedError):
    """Nobody has said that the sign was taken down."""

    key = "removal_sign_left"


class RemovalMediumLeftError(RemovalUnfinishedError):
    """A medium of the site is not yet disposed of."""

    key = "removal_medium_left"


class PaperInvalidError(StewardError):
    """A paper that cannot be made so: `detail` names the option or the value."""

    key = "paper_invalid"
    names_field = True


class SignIncompleteError(PaperInvalidError):
    """A sign without something that the pack asks for on it: `detail` names what."""

    key = "sign_incomplete"


class RulesStaleError(StewardError):
    """The rules that were to be adopted read otherwise by now."""

    key = "rules_stale"


class PhotoError(StewardError):
    """A photo that cannot be taken as evidence, or not be shown."""


class PhotoTooLargeError(PhotoError):
    """More bytes than are taken."""

    key = "photo_too_large"


class PhotoTooManyPixelsError(PhotoError):
    """More pixels than are decoded."""

    key = "photo_too_many_pixels"


class PhotoInvalidError(PhotoError):
    """No picture, or of a format that is not read."""

    key = "photo_invalid"


class PhotoDamagedError(PhotoError):
    """A picture that cannot be read to its end."""

    key = "photo_damaged"


class PhotoMissingError(PhotoError):
    """No photo is kept by this id."""

    key = "photo_missing"


class PhotoUnreadableError(PhotoError):
    """A kept photo is not as it was stored."""

    key = "photo_unreadable"


class UtilizationMissingError(StewardError):
    """There is no such utilization, or no more."""

    key = "utilization_missing"


class UtilizationStoppedError(StewardError):
    """Something was asked of a utilization that does not run."""

    key = "utilization_stopped"


class BackgroundMissingError(StewardError):
    """There is no picture of a place without what moves, or not yet."""

    key = "background_missing"


class ViewInvalidError(StewardError):
    """What was set in the view of a utilization cannot be: `detail` names the field."""

    key = "view_invalid"
    names_field = True


class LimiterError(StewardError):
    """Something that may not be stored of a utilization was about to be: `detail` names the key."""

    key = "limiter_refused"
