"""What finding and playing footage costs over the real HTTP and WebSocket of a Home Assistant."""

import asyncio
import json
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession, ClientWebSocketResponse

from bench.core import load_core

load_core()

# ruff: noqa: E402
from bench.meter import cpu_ns
from bench.report import Bar, against, limited, middle
from bench.storage import A_DAY, ALL, touch
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.model import Segment, SegmentState
from custom_components.camera_steward.core.vault.format import Trailer
from custom_components.camera_steward.core.vault.vault import read_identity
from tests.cameras import BENCH, Clip, wait_for
from tests.homes import MANAGER, Books, Home, add_site, record_past

_CAMERAS = 16
_DAYS = ALL // A_DAY // _CAMERAS
_ZONE = ZoneInfo("Asia/Tokyo")
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LARGE_HOUR = 12
_SMALL = Clip(seconds=60, bitrate_kbps=100)
_LARGE = replace(BENCH, seconds=60)
_ROUNDS = 200
_PIECE_BYTES = 1_500_000
"""About as much as four seconds of the large clip."""
_QUIET_SECONDS = 3.0
_CHANCE = random.Random(3)  # noqa: S311
_SOURCE = "media-source://camera_steward"
_LOCAL = "media-source://media_source/local"


def watching(folder: Path) -> list[Bar]:
    """Measure listings and first bytes, each beside Home Assistant's own local media."""
    folder.mkdir()
    home = Home(folder, {})
    try:
        home.start()
        site = add_site(home, folder / "vault", hours=14 * 24)
        home.stop()
        local = datetime.now(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        day = local.astimezone(UTC) - timedelta(days=1)
        with Books.open(home, site) as books:
            _fill(books, day)
        _peer(home.config / "media")
        home.start()
        _wait_until_quiet(home)
        bars = asyncio.run(_measure(home, site, day))
    finally:
        home.close()
    shutil.rmtree(folder)
    return bars


# What there is


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minute:
    """A recorded minute, to be stored again and again."""

    header: bytes
    fragments: tuple[bytes, ...]
    trailer: Trailer


def _fill(books: Books, day: datetime) -> None:
    """Store a day of real segments of one camera, and rows with headers for all other days."""
    small, large = (_recorded(books, each, day) for each in (_SMALL, _LARGE))
    for minute in range(A_DAY):
        made = large if minute // 60 == _LARGE_HOUR else small
        writer = books.vault.create_segment(_camera(0), day + minute * _MINUTE, made.header)
        for entry, data in zip(made.trailer.fragments, made.fragments, strict=True):
            writer.append(data, entry.start_us, keyframe=entry.keyframe)
        writer.seal(_MINUTE, made.trailer.digests)
    vault_id = read_identity(books.root, LocalFiles())
    assert vault_id is not None
    sequence = books.vault.index.last_sequence()
    first = day - (_DAYS - 1) * _DAY
    for number in range(_CAMERAS):
        rows = []
        for minute in range((_DAYS if number else _DAYS - 1) * A_DAY):
            sequence += 1
            start_at = first + minute * _MINUTE
            rows.append(
                Segment(
                    sequence=sequence,
                    camera=_camera(number),
                    stamp_at=start_at,
                    start_at=start_at,
                    end_at=start_at + _MINUTE,
                    size_bytes=_PIECE_BYTES,
                    state=SegmentState.SEALED,
                    digest=sequence.to_bytes(32),
                )
            )
        books.vault.index.add(rows)
        for each in rows:
            touch(books.vault, vault_id, each)


def _camera(number: int) -> str:
    return f"camera{number:02}"


def _recorded(books: Books, clip: Clip, at: datetime) -> _Minute:
    """Record a clip by the real recorder, and take it out again."""
    record_past(books, "clip", clip.path(), [at], segment=2 * _MINUTE)
    [segment] = books.segments("clip")
    with closing(books.vault.open_segment(segment)) as reader:
        made = _Minute(
            header=reader.header(),
            fragments=tuple(
                reader.read(each.offset, each.length) for each in reader.trailer.fragments
            ),
            trailer=reader.trailer,
        )
    books.vault.erase([segment])
    books.vault.index.forget([segment.sequence])
    return made


def _peer(folder: Path) -> None:
    """Give the local media a folder of a day's files, one of an hour's, and an hour to play."""
    for name, count in (("day", A_DAY), ("hour", 60)):
        (folder / name).mkdir()
        for number in range(count):
            (folder / name / f"{number:04}.mp4").touch()
    (folder / "played").mkdir()
    piece = os.urandom(_PIECE_BYTES)
    for number in range(60):
        with (folder / "played" / f"{number:04}.mp4").open("wb") as file:
            for _ in range(15):
                file.write(piece)


def _wait_until_quiet(home: Home) -> None:
    """Wait until what a start begins is over: the walk of the disk takes a while."""

    def is_quiet() -> bool:
        used = cpu_ns(home.pid)
        time.sleep(_QUIET_SECONDS)
        return cpu_ns(home.pid) - used < 0.03e9 * _QUIET_SECONDS

    wait_for(is_quiet, 900)


# What is measured


class _Manager:
    """The operations manager's browser: one WebSocket, and fetches beside it."""

    def __init__(self, base: str, web: ClientSession, socket: ClientWebSocketResponse) -> None:
        self._base = base
        self._web = web
        self._socket = socket
        self._number = 0
        self.ping_ms = 0.0

    @classmethod
    @asynccontextmanager
    async def of(cls, home: Home) -> AsyncIterator[_Manager]:
        """Log in."""
        token = await asyncio.to_thread(lambda: home.client(MANAGER).token)
        async with (
            ClientSession() as web,
            web.ws_connect(f"{home.base}/api/websocket", max_msg_size=0) as socket,
        ):
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token})
            await socket.receive_json()
            yield cls(home.base, web, socket)

    async def ask(self, kind: str, **fields: object) -> tuple[float, Any]:
        """Return the milliseconds of a command until its answer is there, and the answer."""
        self._number += 1
        message = json.dumps({"id": self._number, "type": kind, **fields})
        began = time.perf_counter()
        await self._socket.send_str(message)
        text = await self._socket.receive_str()
        passed = 1000 * (time.perf_counter() - began)
        answer = json.loads(text)
        if not answer.get("success", kind == "ping"):
            raise RuntimeError(f"{kind}: {answer}")
        return passed, answer.get("result")

    async def browse(self, where: str, count: int) -> float:
        """Return the milliseconds that the server takes to list a place."""
        ping, _ = await self.ask("ping")
        passed, found = await self.ask("media_source/browse_media", media_content_id=where)
        if len(found["children"]) != count:
            raise RuntimeError(f"{where} has {len(found['children'])}")
        return passed - ping

    async def resolve(self, where: str) -> str:
        """Return the address at which something is played."""
        _, found = await self.ask("media_source/resolve_media", media_content_id=where)
        return str(found["url"])

    async def text(self, address: str) -> str:
        """Return a whole text."""
        async with self._web.get(self._base + address) as answer:
            answer.raise_for_status()
            return await answer.text()

    async def first_byte(self, address: str, start: int | None = None) -> float:
        """Return the milliseconds until the first bytes came; the rest is read too."""
        headers = {}
        if start is not None:
            headers["Range"] = f"bytes={start}-{start + _PIECE_BYTES - 1}"
        began = time.perf_counter()
        async with self._web.get(self._base + address, headers=headers) as answer:
            answer.raise_for_status()
            await answer.content.readany()
            passed = 1000 * (time.perf_counter() - began)
            await answer.read()
        return passed


async def _measure(home: Home, site: str, day: datetime) -> list[Bar]:
    async with _Manager.of(home) as manager:
        _, [own] = await manager.ask("camera_steward/own")
        await manager.ask(
            "camera_steward/accept", entry_id=site, version=own["version"], language="en"
        )
        camera = f"{_SOURCE}/{site}/incident_check/{_camera(0)}"
        where = f"{camera}/{day.astimezone(_ZONE):%Y-%m-%d}"
        hours = [f"{where}/{day + number * _HOUR:%Y%m%dT%H%MZ}" for number in range(24)]
        return [
            *await _listings(manager, where, hours),
            *await _pieces(manager, hours[_LARGE_HOUR]),
            *await _plays(manager, hours[_LARGE_HOUR]),
        ]


async def _listings(manager: _Manager, day: str, hours: list[str]) -> list[Bar]:
    async def whole_day() -> float:
        return await manager.browse(day, 24) + sum(
            [await manager.browse(each, 60) for each in hours]
        )

    local_day = partial(manager.browse, f"{_LOCAL}/day", A_DAY)
    folder = "local media, a folder of {} files"
    ours, theirs = await _in_turn(lambda: manager.browse(day, 24), local_day)
    bars = _bars("a day of 1,440 segments is listed", ours, folder.format("1,440"), theirs, 5)
    ours, theirs = await _in_turn(
        lambda: manager.browse(_CHANCE.choice(hours), 60),
        partial(manager.browse, f"{_LOCAL}/hour", 60),
    )
    bars += _bars("an hour of 60 segments is listed", ours, folder.format("60"), theirs, 5)
    ours, theirs = await _in_turn(whole_day, local_day, rounds=_ROUNDS // 10)
    return bars + _bars(
        "each of the 1,440 is listed, hour by hour", ours, folder.format("1,440"), theirs
    )


async def _pieces(manager: _Manager, hour: str) -> list[Bar]:
    """Fetch random pieces of an hour that is being watched."""
    address = await manager.resolve(hour)
    pieces = _addresses(await manager.text(address))[1:]
    peer = await manager.resolve(f"{_LOCAL}/played/0000.mp4")
    ours, theirs = await _in_turn(
        lambda: manager.first_byte(_CHANCE.choice(pieces)),
        lambda: manager.first_byte(peer, _CHANCE.randrange(14 * _PIECE_BYTES)),
    )
    return _bars(
        "first byte of a random piece of 1080p", ours, "local media, as many bytes", theirs, 20
    )


async def _plays(manager: _Manager, hour: str) -> list[Bar]:
    """Play from the click on: the address, the playlist, the header, the first piece."""
    _, found = await manager.ask("media_source/browse_media", media_content_id=hour)
    clips = [each["media_content_id"] for each in found["children"]]

    async def play(where: str) -> float:
        began = time.perf_counter()
        header, piece, *_ = _addresses(await manager.text(await manager.resolve(where)))
        await manager.first_byte(header)
        before = 1000 * (time.perf_counter() - began)
        return before + await manager.first_byte(piece)

    async def theirs() -> float:
        number = _CHANCE.randrange(60)
        began = time.perf_counter()
        address = await manager.resolve(f"{_LOCAL}/played/{number:04}.mp4")
        before = 1000 * (time.perf_counter() - began)
        return before + await manager.first_byte(address, 0)

    bars = []
    for name, choose in (
        ("a random clip", lambda: _CHANCE.choice(clips)),
        ("an hour", lambda: hour),
    ):
        mine, others = await _in_turn(partial(_chosen, play, choose), theirs, rounds=_ROUNDS // 2)
        bars += _bars(
            f"first byte of {name}, from the click on", mine, "local media, a file", others
        )
    return bars


async def _chosen(play: Callable[[str], Awaitable[float]], choose: Callable[[], str]) -> float:
    return await play(choose())


def _addresses(playlist: str) -> list[str]:
    """Return what a playlist lists, its header first."""
    lines = playlist.splitlines()
    header = next(each.split('"')[1] for each in lines if each.startswith("#EXT-X-MAP"))
    return [header, *(each for each in lines if each.startswith("/"))]


async def _in_turn(
    ours: Callable[[], Awaitable[float]],
    theirs: Callable[[], Awaitable[float]],
    *,
    rounds: int = _ROUNDS,
) -> tuple[list[float], list[float]]:
    """Measure both in turn; the first time of each is not counted."""
    found = [(await ours(), await theirs()) for _ in range(rounds + 1)][1:]
    mine, others = zip(*found, strict=True)
    return list(mine), list(others)


def _bars(
    bar: str, ours: list[float], peer: str, theirs: list[float], limit: float | None = None
) -> list[Bar]:
    """Return the median and what 99 of 100 stay below."""
    bars = []
    for name, of in (("p50", middle), ("p99", _p99)):
        value, peer_value = of(ours), of(theirs)
        if limit is None:
            bars.append(against(f"{bar}, {name}", value, "ms", peer, peer_value))
        else:
            bars.append(
                limited(
                    f"{bar}, {name}", value, "ms", limit=limit, peer=peer, peer_value=peer_value
                )
            )
    return bars


def _p99(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) * 99 // 100]
