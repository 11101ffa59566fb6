"""Read a vault without Home Assistant, by its recovery kit: list, verify, export a span.

On any machine with Python 3.14, cryptography and SQLAlchemy, in the folder above this one:
`python3 -m core.cli list FOLDER --kit KIT`. Nothing is ever written to the vault: it is walked, and
recovered in memory. Footage past its limit, and holds past their end, are not given out (INV-1).
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Beside this package lies a platform that is called `calendar`; Python's own is meant.
    sys.path = [each for each in sys.path if Path(each).resolve() != Path(__file__).parents[1]]

import argparse
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from getpass import getpass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .clock import SystemClock
from .database import Database
from .disclosure.reel import MissingCause, Part, Piece, Reel, Source, WantedSpan
from .errors import (
    FootageError,
    KeyMissingError,
    KitMistypedError,
    KitWrongError,
    StewardError,
    StorageError,
    VaultForeignError,
    VaultMissingError,
)
from .ledger.fields import merge_spans
from .media.movie import Movie, Provenance
from .model import FAR_AT, FIRST_AT, Gap, Segment, SegmentState, to_micros
from .retention.guard import Correction
from .retention.hold import Words, words_of
from .retention.restoring import copies_in, row_of_key
from .vault.description import SiteDescription
from .vault.held import HeldCount, HoldRow
from .vault.holds import HoldFiles
from .vault.index import METADATA, Index
from .vault.kit import check_kit, key_from
from .vault.reader import SegmentReader
from .vault.recovery import recover
from .vault.untouched import UntouchedFiles
from .vault.vault import Vault, read_identity
from .vault.verify import Damage, VerifyLevel, verify, verify_held

_UNTOLD_LIMIT: Final = timedelta(days=14)
"""What holds where the vault does not say how long footage may be kept (Kumagaya 第3 2(2))."""
_LONGEST_SEGMENT = timedelta(minutes=5)
_LINES = 4
_SPANS_LISTED = 50
_WORDS: Final = {
    "en": {
        "code": "Recovery code, line {number} of 4 (not shown): ",
        "reading": "Reading the vault: {count} segments",
        "site": "Site: {title} (as of {at}, vault {vault})",
        "untold": "The vault does not say whose it is. Cameras have no names, and the limit is 14 days.",
        "camera": "{name} ({camera}): {count} segments, {size:.1f} MB, limit {hours} h",
        "span": "  {start} – {end}",
        "more": "  … and {count} more spans",
        "past": "  {count} segments are past their limit by this computer's clock: they are not given"
        " out and have to be erased.",
        "unfinished": "  {count} segments hold nothing that can be read.",
        "nothing": "There is no footage in this vault.",
        "hold": "Hold {hold}, until {until}: {cameras}; {start} – {end}; {count} segments, {size:.1f} MB",
        "hold_over": "  Its end has come by this computer's clock: it is not given out and has to be"
        " erased.",
        "hold_closed": "Hold {hold}: its key is gone or does not open, and so nothing of it does.",
        "checked": "{count} segments checked, {damaged} damaged.",
        "damaged": "Damaged: {name}, {start}: {what}",
        "wrote": "{path}: {start} – {end}",
        "missing": "Not there: {start} – {end} ({causes})",
        "clear": "What was written is not encrypted. It has to be erased by {due}, as the footage itself.",
        "none": "There is no footage of this camera in this span.",
        "failed": "This failed: {what} {detail}",
        "vault_missing": "There is no vault in {folder}: it would hold a file vault.json.",
        "vault_foreign": "The vault in {folder} is of a version that this program does not know.",
        "kit_mistyped": "This is no recovery code: four lines of three groups of five characters.",
        "kit_mistyped_in": "Line {line} of the recovery code is mistyped.",
        "kit_wrong": "This recovery code does not open this vault.",
        "kit_other": "This is the recovery kit of another vault: {vault}.",
        "kit_unreadable": "The file of the kit cannot be read: {why}",
        "camera_unknown": "There is no camera {name}, or there are several: name it by its id.",
        "time": "This is no time: {text}. Write it as 2026-01-31T18:00.",
        "backwards": "The span ends before it begins.",
        "span_missing": "Name the span: --from and --to.",
        "hold_unknown": "There is no hold {hold} here that opens.",
        "hold_ended": "This hold has ended: {until}. It is not given out and has to be erased.",
        "out_in_vault": "Nothing is written into the vault: name another folder.",
        "out": "It cannot be written: {why}",
    },
    "ja": {
        "code": "復旧コード {number}行目（全4行、表示されません）：",
        "reading": "保管庫を読み込んでいます：{count}区間",
        "site": "設置場所一式：{title}（{at}現在、保管庫 {vault}）",
        "untold": "保管庫に設置場所一式の情報がありません。カメラ名は不明です。保存期間は14日とみなします。",
        "camera": "{name}（{camera}）：{count}区間、{size:.1f} MB、保存期間 {hours}時間",
        "span": "  {start} ～ {end}",
        "more": "  … ほか{count}件",
        "past": "  このコンピューターの時計で保存期間を過ぎた区間が{count}件あります。書き出しません。"
        "消去してください。",
        "unfinished": "  読み取れる映像のない区間が{count}件あります。",
        "nothing": "この保管庫に映像はありません。",
        "hold": "保全 {hold}（期限 {until}）：{cameras}、{start} ～ {end}、{count}区間、{size:.1f} MB",
        "hold_over": "  このコンピューターの時計で保全の期限を過ぎています。書き出しません。消去してください。",
        "hold_closed": "保全 {hold}：鍵がないか開けないため、映像を読み取れません。",
        "checked": "{count}区間を検証しました。破損は{damaged}件です。",
        "damaged": "破損：{name}、{start}：{what}",
        "wrote": "{path}：{start} ～ {end}",
        "missing": "映像なし：{start} ～ {end}（{causes}）",
        "clear": "書き出した映像は暗号化されていません。元の映像と同じく、{due}までに消去してください。",
        "none": "この期間に、このカメラの映像はありません。",
        "failed": "処理できませんでした：{what} {detail}",
        "vault_missing": "{folder} に保管庫がありません（vault.json のあるフォルダーを指定してください）。",
        "vault_foreign": "{folder} の保管庫は、このプログラムでは読み取れない版です。",
        "kit_mistyped": "復旧コードではありません。5文字の組が3つ並んだ行が4行あります。",
        "kit_mistyped_in": "復旧コードの{line}行目に誤りがあります。",
        "kit_wrong": "この復旧コードでは、この保管庫を開けません。",
        "kit_other": "別の保管庫の復旧キットです：{vault}",
        "kit_unreadable": "復旧キットのファイルを読み取れません：{why}",
        "camera_unknown": "カメラ「{name}」がないか、複数あります。番号で指定してください。",
        "time": "日時ではありません：{text}（例：2026-01-31T18:00）",
        "backwards": "終了が開始より前です。",
        "span_missing": "期間を --from と --to で指定してください。",
        "hold_unknown": "保全 {hold} がないか、開けません。",
        "hold_ended": "この保全は{until}に期限を過ぎています。書き出しません。消去してください。",
        "out_in_vault": "保管庫の中には書き込みません。別のフォルダーを指定してください。",
        "out": "書き込めません：{why}",
    },
}


class CommandError(Exception):
    """What keeps a command from being carried out, by the key of its words."""

    def __init__(self, key: str, **values: object) -> None:
        """Keep what the words name."""
        super().__init__(key)
        self.key = key
        self.values = values


def _language() -> str:
    found = next(
        (os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), ""
    )
    return "ja" if found.startswith("ja") else "en"


def _say(key: str, **values: object) -> None:
    print(_WORDS[_language()][key].format(**values))


def _complain(key: str, **values: object) -> None:
    print(_WORDS[_language()][key].format(**values), file=sys.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A vault that was opened to be read; also where `Reel` takes footage from. One thread."""

    vault: Vault
    id: UUID
    description: SiteDescription | None
    now: datetime
    files: HoldFiles
    closed: tuple[str, ...]
    """Holds whose key is gone or does not open."""

    @property
    def zone(self) -> tzinfo | None:
        """Return the site's time zone; None is the computer's own."""
        try:
            return ZoneInfo(self.description.zone) if self.description is not None else None
        except ZoneInfoNotFoundError, ValueError:
            return None

    def cameras(self) -> list[str]:
        """Return the cameras of which there is footage."""
        index = self.vault.index
        return [each for each in index.cameras() if index.oldest_start(each) is not None]

    def name_of(self, camera: str) -> str:
        """Return a camera's name, else its id."""
        known = self.description.cameras.get(camera) if self.description is not None else None
        return known.name or camera if known is not None else camera

    def limit_of(self, camera: str) -> timedelta:
        """Return how long a camera's footage may be kept."""
        if self.description is None:
            return _UNTOLD_LIMIT
        return self.description.limit_of(camera, self.now)

    def is_past(self, segment: Segment) -> bool:
        """Return whether a segment has reached its limit by this computer's clock."""
        return segment.start_at + self.limit_of(segment.camera) <= self.now

    def segments(self, camera: str, start: datetime, end: datetime) -> list[Segment]:
        """Return the segments that may be given out (INV-1) and reach into [start, end)."""
        found = self.vault.index.segments(camera, start - _LONGEST_SEGMENT, end)
        # How far a damaged one reaches is not known.
        reaching = [each for each in found if each.end_at > start or not each.digest]
        return [each for each in reaching if not self.is_past(each)]

    def gaps(self, camera: str, start: datetime, end: datetime) -> Sequence[Gap]:
        """Return none: gaps are on record with Home Assistant only."""
        return ()

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a segment; a subclass of `FootageError` says what is wrong with it."""
        return self.vault.open_segment(segment)

    def holds(self) -> list[HoldRow]:
        """Return the holds whose key opens, soonest end first."""
        return sorted(self.vault.index.held.holds(), key=lambda each: (each.until_at, each.id))

    def is_over(self, hold: HoldRow) -> bool:
        """Return whether a hold's end has come by this computer's clock."""
        return hold.until_at <= self.now

    def local(self, moment: datetime) -> str:
        """Return a time as the site's clocks show it."""
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def moment(self, text: str) -> datetime:
        """Read a time, by the site's clocks unless it says otherwise."""
        try:
            found = datetime.fromisoformat(text)
            if found.tzinfo is None and (zone := self.zone) is not None:
                found = found.replace(tzinfo=zone)
            return found.astimezone(UTC)
        except (ValueError, OverflowError) as err:
            raise CommandError("time", text=text) from err


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one hold keeps, from where `Reel` takes footage. One thread."""

    files: HoldFiles
    hold: str

    def segments(self, camera: str, start: datetime, end: datetime) -> list[Segment]:
        """Return the copies that reach into [start, end)."""
        held = self.files.vault.index.held.segments(self.hold, camera)
        found = [each.segment for each in held]
        # How far a damaged one reaches is not known.
        return [e for e in found if e.start_at < end and (e.end_at > start or not e.digest)]

    def gaps(self, camera: str, start: datetime, end: datetime) -> Sequence[Gap]:
        """Return none: gaps are on record with Home Assistant only."""
        return ()

    def open_segment(self, segment: Segment) -> SegmentReader:
        """Open a copy; a subclass of `FootageError` says what is wrong with it."""
        return self.files.open_segment(self.hold, segment)


# Opening


def read_kit(path: Path | None, vault: UUID) -> bytes:
    """Return the site key from a kit's file, or from what is typed without being shown."""
    if path is None:
        typed: list[str] = []
        while len(typed) < _LINES and len(re.findall(r"\w", "".join(typed))) < 15 * _LINES:
            try:
                typed.append(getpass(_WORDS[_language()]["code"].format(number=len(typed) + 1)))
            except EOFError:
                break
        return key_from("\n".join(typed))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise CommandError("kit_unreadable", why=err) from err
    if (found := re.search(r'id="vault">([0-9a-f-]{36})<', text)) and found[1] != str(vault):
        raise CommandError("kit_other", vault=found[1])
    page = re.search(r'<pre id="code">(.*?)</pre>', text, re.DOTALL)
    return key_from(page[1] if page else text)


def open_archive(root: Path, kit: Path | None, closing: ExitStack) -> Archive:
    """Open the vault at `root` by its kit, with an index in memory."""
    files = UntouchedFiles()
    vault = read_identity(root, files)
    if vault is None:
        raise VaultMissingError
    site_key = read_kit(kit, vault)
    _, description = check_kit(root, files, site_key)
    database = Database(Path(":memory:"), METADATA)
    closing.callback(database.close)
    clock = SystemClock()
    index = Index(database)
    opened = Vault(root, files, clock, vault, site_key, index)

    def progress(count: int) -> None:
        _complain("reading", count=count)

    opened.rebuild_index(progress)
    recover(opened)
    corrections = [
        Correction(first=each.first, last=each.last, by=each.by)
        for each in (description.corrections if description is not None else ())
    ]
    for each in corrections:
        index.shift(each.first, each.last, each.by)
    files_of_holds = HoldFiles(opened, site_key)
    closed = _read_holds(files_of_holds, corrections)
    if description is None:
        _complain("untold")
    return Archive(
        vault=opened,
        id=vault,
        description=description,
        now=clock.now(),
        files=files_of_holds,
        closed=tuple(closed),
    )


def _read_holds(files: HoldFiles, corrections: Sequence[Correction]) -> list[str]:
    """Enter in the index what is held, by key files and copies alone; return what does not open."""
    closed = []
    for hold in files.folders():
        try:
            row = row_of_key(hold, files.read(hold))
        except KeyMissingError, StorageError:
            closed.append(hold)
            continue
        damaged = (FootageError, StorageError)
        copies = copies_in(files, hold, corrections, unreadable=damaged)
        files.vault.index.held.add(row, copies)
    return closed


# Commands


def list_footage(archive: Archive, _: argparse.Namespace) -> int:
    """Say what there is: cameras, spans, sizes and limits."""
    told = archive.description
    if told is not None:
        _say("site", title=told.title, at=archive.local(told.written_at), vault=archive.id)
    cameras = archive.cameras()
    for camera in cameras:
        every = archive.vault.index.segments(camera, FIRST_AT, FAR_AT)
        kept = [each for each in every if not archive.is_past(each)]
        whole = [each for each in kept if each.state is not SegmentState.OPEN]
        _say(
            "camera",
            name=archive.name_of(camera),
            camera=camera,
            count=len(whole),
            size=sum(each.size_bytes for each in whole) / 1e6,
            hours=archive.limit_of(camera) // timedelta(hours=1),
        )
        spans = merge_spans((each.start_at, each.end_at) for each in whole)
        for start, end in spans[:_SPANS_LISTED]:
            _say("span", start=archive.local(start), end=archive.local(end))
        if len(spans) > _SPANS_LISTED:
            _say("more", count=len(spans) - _SPANS_LISTED)
        if len(every) > len(kept):
            _say("past", count=len(every) - len(kept))
        if len(kept) > len(whole):
            _say("unfinished", count=len(kept) - len(whole))
    if not cameras:
        _say("nothing")
    counts = archive.vault.index.held.counts()
    for hold in archive.holds():
        words, count = words_of(hold), counts.get(hold.id, HeldCount())
        _say(
            "hold",
            hold=hold.id,
            until=archive.local(hold.until_at),
            cameras=", ".join(f"{archive.name_of(each)} ({each})" for each in words.cameras),
            start=archive.local(words.start_at),
            end=archive.local(words.end_at),
            count=count.copied,
            size=count.size_bytes / 1e6,
        )
        if archive.is_over(hold):
            _say("hold_over")
        if count.unreadable:
            _say("unfinished", count=count.unreadable)
    for closed in archive.closed:
        _say("hold_closed", hold=closed)
    return 0


def verify_footage(archive: Archive, options: argparse.Namespace) -> int:
    """Check every segment and every copy of a hold, past its limit or not; name the damaged ones."""
    level = VerifyLevel[options.level.upper()]
    checked = damaged = 0

    def tell(damages: Iterator[Damage]) -> None:
        nonlocal damaged
        for each in damages:
            damaged += 1
            _say(
                "damaged",
                name=archive.name_of(each.segment.camera),
                start=archive.local(each.segment.start_at),
                what=each.what,
            )

    for camera in archive.cameras():
        segments = archive.vault.index.segments(camera, FIRST_AT, FAR_AT)
        checked += len(segments)
        tell(verify(archive.vault, segments, level))
    for hold in archive.holds():
        copies = [each.segment for each in archive.vault.index.held.segments(hold.id)]
        checked += len(copies)
        tell(verify_held(archive.files, hold.id, copies, level))
    for closed in archive.closed:
        _say("hold_closed", hold=closed)
    _say("checked", count=checked, damaged=damaged)
    return 1 if damaged or archive.closed else 0


def export_footage(archive: Archive, options: argparse.Namespace) -> int:
    """Write a camera's span as films, one for each continuous part and hour."""
    hold = _hold(archive, options.hold) if options.hold is not None else None
    words = words_of(hold) if hold is not None else None
    camera = _camera(archive, options.camera, words.cameras if words else archive.cameras())
    start, end = _span(archive, options, words)
    out = Path(options.out).resolve()
    if out.is_relative_to(archive.vault.root.resolve()):
        raise CommandError("out_in_vault")
    source: Source = archive
    past: list[Segment] = []
    if hold is not None:
        source = Kept(files=archive.files, hold=hold.id)
    else:
        found = archive.vault.index.segments(camera, start, end)
        past = [each for each in found if archive.is_past(each)]
    span = WantedSpan(camera=camera, name=archive.name_of(camera), start_at=start, end_at=end)
    reel = Reel(source, span)
    pieces = reel.pieces()
    ahead = next(pieces, None)
    oldest = ahead.part.segment.start_at if ahead is not None else None
    try:
        if ahead is not None:
            out.mkdir(mode=0o700, exist_ok=True)
        while ahead is not None:
            ahead = _write_film(archive, span, out, ahead, pieces)
    except OSError as err:
        raise CommandError("out", why=err) from err
    if past:
        _say("past", count=len(past))
    for each in reel.missing if oldest is not None else ():
        _say(
            "missing",
            start=archive.local(each.start_at),
            end=archive.local(each.end_at),
            causes=", ".join(each.causes),
        )
    if oldest is None:
        _say("none")
    else:
        due = hold.until_at if hold is not None else oldest + archive.limit_of(camera)
        _say("clear", due=archive.local(due))
    harmless = {MissingCause.NO_FOOTAGE}
    return 1 if oldest is None or any(set(e.causes) - harmless for e in reel.missing) else 0


def _write_film(
    archive: Archive, span: WantedSpan, out: Path, first: Piece, pieces: Iterator[Piece]
) -> Piece | None:
    """Write a film from `first` on, and return the piece with which the next one begins."""
    told = archive.description
    movie = Movie(
        first.part.header,
        Provenance(
            unit=f"{told.title if told is not None else archive.id} (Camera Steward)",
            operator="recovery kit",
            source=span.name,
            exported_us=to_micros(archive.now),
        ),
    )
    stamp = f"{first.start_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    path = out / f"{span.camera}_{stamp}.{'mov' if movie.quicktime else 'mp4'}"
    part: Part | None = None
    end_at = first.start_at
    ahead: Piece | None = first
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            while ahead is not None and ahead.continues(
                part, begun_at=first.start_at, end_at=end_at
            ):
                if ahead.part is not part:
                    part = ahead.part
                    movie.segment(to_micros(ahead.start_at), ahead.found)
                file.writelines(movie.add(ahead.data, ahead.found))
                end_at = ahead.end_at
                ahead = next(pieces, None)
            file.write(movie.end())
        except BaseException:
            path.unlink()  # half a film cannot be played, and lies in the clear
            raise
    _say("wrote", path=path, start=archive.local(first.start_at), end=archive.local(end_at))
    return ahead


def _camera(archive: Archive, asked: str, cameras: Sequence[str]) -> str:
    if asked in cameras:
        return asked
    named = [each for each in cameras if archive.name_of(each) == asked]
    if len(named) != 1:
        raise CommandError("camera_unknown", name=asked)
    return named[0]


def _hold(archive: Archive, asked: str) -> HoldRow:
    """Return a hold that may be given out (INV-1)."""
    hold = archive.vault.index.held.hold(asked)
    if hold is None:
        raise CommandError("hold_unknown", hold=asked)
    if archive.is_over(hold):
        raise CommandError("hold_ended", until=archive.local(hold.until_at))
    return hold


def _span(
    archive: Archive, options: argparse.Namespace, words: Words | None
) -> tuple[datetime, datetime]:
    """Return what is asked for; of a hold, where nothing is said, all of its span."""
    start, end = (words.start_at, words.end_at) if words is not None else (None, None)
    if options.start is not None:
        start = archive.moment(options.start)
    if options.end is not None:
        end = archive.moment(options.end)
    if start is None or end is None:
        raise CommandError("span_missing")
    if start >= end:
        raise CommandError("backwards")
    return start, end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m core.cli", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: Callable[..., int], help_: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_)
        made.add_argument("folder", type=Path, help="the folder with vault.json")
        made.add_argument("--kit", type=Path, help="the kit's file; else its code is asked for")
        made.set_defaults(run=run)
        return made

    command("list", list_footage, "say what there is")
    levels = command("verify", verify_footage, "check every segment, held ones too")
    levels.add_argument("--level", choices=("chunks", "digest"), default="digest")
    export = command("export", export_footage, "write a span as plain films")
    export.add_argument("--camera", required=True, help="its name or id")
    export.add_argument("--hold", help="what this hold keeps; its id, as listed")
    export.add_argument("--from", dest="start", metavar="TIME", help="without a hold, required")
    export.add_argument("--to", dest="end", metavar="TIME", help="without a hold, required")
    export.add_argument("--out", required=True, metavar="FOLDER")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry a command out; 0 is well, 1 something damaged or nothing there, 2 not carried out."""
    options = _parser().parse_args(arguments)
    folder = options.folder
    try:
        with ExitStack() as closing:
            archive = open_archive(folder, options.kit, closing)
            return int(options.run(archive, options))
    except CommandError as err:
        _complain(err.key, **err.values)
    except KitMistypedError as err:
        _complain("kit_mistyped_in" if err.detail else "kit_mistyped", line=err.detail)
    except (VaultMissingError, VaultForeignError, KitWrongError) as err:
        _complain(err.key, folder=folder)
    except StewardError as err:
        _complain("failed", what=err.key, detail=err.detail)
    return 2


if __name__ == "__main__":
    sys.exit(main())
