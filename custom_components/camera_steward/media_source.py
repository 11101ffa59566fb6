"""The media browser: site, purpose, camera, live or day, hour, clip; for whom the desk lets in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Final, override

from homeassistant.components.media_player import (
    BrowseError,
    MediaClass,
    SearchMedia,
    SearchMediaQuery,
)
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .bridge import camera_name, cameras_of
from .const import CONF_LIVE_MINUTES, DEFAULT_LIVE_MINUTES, DOMAIN, PURPOSES
from .coordinator import CameraStewardConfigEntry
from .core.access.decide import Decision, Refusal, RefusedError
from .core.errors import LiveMissingError, StewardError
from .core.ledger.fields import Span
from .core.model import Action, Segment
from .core.viewing.desk import Caller
from .core.viewing.lobby import Lobby
from .core.viewing.playback import GAP
from .core.viewing.watches import Watch, WatchEnd
from .moments import sane
from .people import caller_in_media_source
from .texts import Texts, async_texts, bounds, clock
from .views import entrance, picture_path, running_site, running_sites

_NAME: Final = "Camera Steward"
_MIME: Final = "application/x-mpegURL"
"""What the frontend plays with its own HLS player."""
_STAMP: Final = "%Y%m%dT%H%MZ"
_LONGEST_IDENTIFIER: Final = 300
_HOUR: Final = timedelta(hours=1)
_MOST_FOUND: Final = 100
_LIVE: Final = "live"
"""In an identifier, where a day is otherwise."""
_LOOK_EVERY: Final = 0.2
_OWN: Final = {
    Refusal.NOT_PLEDGED: "refused_not_pledged",
    Refusal.NOT_YET: "refused_not_yet",
    Refusal.ENDED: "refused_ended",
    Refusal.OUTSIDE_PERMISSION: "refused_outside",
    Refusal.CLOCK: "refused_clock",
    Refusal.AUTOMATION: "refused_automation",
}
"""What a person may know about their own refusal; every other one reads alike."""


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the source; it is kept for the process, so it looks everything up anew."""
    return CameraStewardSource(hass)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where in the tree an identifier points; what is deeper is None."""

    site: str | None = None
    purpose: str | None = None
    camera: str | None = None
    live: bool = False
    day: date | None = None
    hour: datetime | None = None
    clip: int | None = None

    @classmethod
    def parse(cls, identifier: str) -> _Place:
        """Read an identifier; `ValueError` when it is none of ours."""
        if len(identifier) > _LONGEST_IDENTIFIER or not identifier.isascii():
            raise ValueError("not an identifier of ours")
        parts = identifier.split("/") if identifier else []
        if len(parts) > 6 or not all(parts):
            raise ValueError("not an identifier of ours")
        live = parts[3:] == [_LIVE]
        if live:
            parts.pop()
        given = dict(zip(("site", "purpose", "camera", "day", "hour", "clip"), parts, strict=False))
        place = cls(
            site=given.get("site"),
            purpose=given.get("purpose"),
            camera=given.get("camera"),
            live=live,
            day=sane(date.fromisoformat(given["day"])) if "day" in given else None,
            hour=_parse_hour(given["hour"]) if "hour" in given else None,
            clip=int(given["clip"]) if "clip" in given else None,
        )
        if str(place) != identifier:
            raise ValueError("not an identifier of ours")
        return place

    @override
    def __str__(self) -> str:
        parts = (
            self.site,
            self.purpose,
            self.camera,
            _LIVE if self.live else None,
            self.day.isoformat() if self.day is not None else None,
            self.hour.strftime(_STAMP) if self.hour is not None else None,
            str(self.clip) if self.clip is not None else None,
        )
        return "/".join(each for each in parts if each is not None)


def _parse_hour(text: str) -> datetime:
    return sane(datetime.strptime(text, _STAMP).replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One command: who, to which site, and as what they are let in."""

    entry: CameraStewardConfigEntry
    caller: Caller
    decision: Decision
    texts: Texts

    def sees(self, camera: str, start: datetime, end: datetime) -> bool:
        """Return whether a span may be listed: a guest sees what touches their permission."""
        permissions = self.decision.permissions
        return not permissions or any(each.touches(camera, start, end) for each in permissions)

    def spans(self, camera: str, start: datetime, end: datetime) -> Iterator[Span]:
        """Yield what may be told of a span without footage: to a guest what is permitted."""
        if not self.decision.permissions:
            yield start, end
        for each in self.decision.permissions:
            if each.touches(camera, start, end):
                yield max(start, each.start_at), min(end, each.end_at)


class CameraStewardSource(MediaSource):
    """All sites."""

    name = _NAME

    def __init__(self, hass: HomeAssistant) -> None:
        """Keep nothing but the way to look things up."""
        super().__init__(DOMAIN)
        self.hass = hass

    # What Home Assistant asks

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """List what is at a place, for whom may see it."""
        texts = await async_texts(self.hass)
        with _told(texts, BrowseError):
            place = await self._async_place(item, texts)
            if place.site is None:
                return await self._async_root(texts)
            visit = await self._async_enter(place, Action.BROWSE, texts)
            return await self._async_list(visit, place)

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Begin to play a place, for whom may see it."""
        texts = await async_texts(self.hass)
        with _told(texts, Unresolvable):
            place = await self._async_place(item, texts)
            cast = item.target_media_player is not None
            action = Action.LIVE if place.live else Action.PLAYBACK
            visit = await self._async_enter(place, action, texts, cast=cast)
            watch = await (self._async_go_live if place.live else self._async_play)(visit, place)
            return PlayMedia(entrance(self.hass, visit.entry.entry_id, watch), _MIME)

    @override
    async def async_search_media(
        self, item: MediaSourceItem, query: SearchMediaQuery
    ) -> SearchMedia:
        """Find cameras by name, days and hours by how they read; below a purpose only."""
        texts = await async_texts(self.hass)
        with _told(texts, BrowseError):
            place = await self._async_place(item, texts)
            if place.purpose is None:
                await self._async_sites(texts)
                raise BrowseError(texts["search_needs_purpose"])
            visit = await self._async_enter(place, Action.BROWSE, texts)
            return SearchMedia(result=await self._async_search(visit, place, query.search_query))

    # Who is let in

    async def _async_place(self, item: MediaSourceItem, texts: Texts) -> _Place:
        """Read where an item points; who is let in nowhere is refused whatever it says."""
        try:
            return _Place.parse(item.identifier or "")
        except ValueError:
            await self._async_sites(texts)
            raise

    async def _async_enter(
        self, place: _Place, action: Action, texts: Texts, *, cast: bool = False
    ) -> _Visit:
        """Decide who may come to a place; refusals are entered in the site's ledger."""
        caller = caller_in_media_source()
        entry = running_site(self.hass, place.site or "")
        if entry is None:
            raise RefusedError(Refusal.NOT_APPOINTED)
        who = caller or Caller(user=None, active=False)

        def enter(lobby: Lobby) -> Decision:
            with lobby.desk.on_record(who, action, place.camera, place.purpose):
                if caller is None or cast:
                    raise RefusedError(Refusal.AUTOMATION)
                # Whether there is anything to play is decided once it is known what.
                asking = who.asking(Action.BROWSE, camera=place.camera, purpose=place.purpose)
                return lobby.desk.decide(asking).or_refused()

        decision = await entry.runtime_data.bridge.async_in_lobby(enter)
        return _Visit(entry=entry, caller=who, decision=decision, texts=texts)

    async def _async_sites(self, texts: Texts) -> list[_Visit]:
        """Return the sites that the caller is let in to; refused when there is none.

        That is on record at each of them. Who has a site of their own tried nothing at the others.
        """
        found: list[_Visit] = []
        refused = RefusedError(Refusal.NOT_APPOINTED)
        sites = running_sites(self.hass)
        for entry in [each for each in sites if await self._async_is_let_in(each)] or sites:
            try:
                place = _Place(site=entry.entry_id)
                found.append(await self._async_enter(place, Action.BROWSE, texts))
            except RefusedError as err:
                refused = err if err.refusal in _OWN else refused
        if not found:
            raise refused
        return found

    async def _async_is_let_in(self, entry: CameraStewardConfigEntry) -> bool:
        caller = caller_in_media_source()
        if caller is None:
            return False
        asking = caller.asking(Action.BROWSE)
        try:
            return await entry.runtime_data.bridge.async_in_lobby(
                lambda lobby: lobby.desk.decide(asking).allowed
            )
        except StewardError:
            return False

    async def _async_play(self, visit: _Visit, place: _Place) -> Watch:
        camera, purpose, start = place.camera, place.purpose, place.hour
        if camera is None or purpose is None or start is None:
            raise ValueError("nothing to play")

        def play(lobby: Lobby) -> Watch:
            with lobby.desk.on_record(visit.caller, Action.PLAYBACK, camera, purpose):
                return lobby.play(
                    visit.caller,
                    camera=camera,
                    purpose=purpose,
                    start=start,
                    end=start + _HOUR,
                    words=visit.texts,
                    sequence=place.clip,
                )

        return await visit.entry.runtime_data.bridge.async_in_lobby(play)

    async def _async_go_live(self, visit: _Visit, place: _Place) -> Watch:
        """Begin to watch live, once there is enough for a player to begin with."""
        camera, purpose = place.camera or "", place.purpose or ""
        bridge = visit.entry.runtime_data.bridge

        def go_live(lobby: Lobby) -> Watch:
            with lobby.desk.on_record(visit.caller, Action.LIVE, camera, purpose):
                return lobby.go_live(
                    visit.caller, camera=camera, purpose=purpose, words=visit.texts
                )

        watch = await bridge.async_in_lobby(go_live)
        try:
            # What is waited for comes in a camera's own thread; a person hardly waits longer for it.
            while not await bridge.async_in_lobby(  # noqa: ASYNC110
                lambda lobby: lobby.is_ready(watch)
            ):
                await asyncio.sleep(_LOOK_EVERY)
        except BaseException:
            await bridge.async_in_lobby(lambda lobby: lobby.watches.close(watch, WatchEnd.LEFT))
            raise
        return watch

    # What is listed

    async def _async_root(self, texts: Texts) -> BrowseMediaSource:
        visits = await self._async_sites(texts)
        if len(visits) == 1:
            return self._purposes(visits[0], identifier=None)
        return _folder(
            None,
            _NAME,
            [_folder(str(_Place(site=v.entry.entry_id)), v.entry.title) for v in visits],
        )

    async def _async_list(self, visit: _Visit, place: _Place) -> BrowseMediaSource:
        if place.purpose is None:
            return self._purposes(visit, identifier=str(place))
        if place.camera is None:
            return await self._async_cameras(visit, place)
        if place.live:
            raise ValueError("nothing is below it")
        if place.day is None:
            return await self._async_days(visit, place)
        if place.hour is None:
            return await self._async_hours(visit, place)
        return await self._async_clips(visit, place)

    def _purposes(self, visit: _Visit, identifier: str | None) -> BrowseMediaSource:
        """List the purposes: to choose one is to state it."""
        site = _Place(site=visit.entry.entry_id)
        children = [
            _folder(str(replace(site, purpose=each)), visit.texts[f"purpose_{each}"])
            for each in PURPOSES
        ]
        title = visit.texts["purposes"].format(site=visit.entry.title)
        return _folder(identifier, title, children)

    async def _async_cameras(self, visit: _Visit, place: _Place) -> BrowseMediaSource:
        names = await self._async_names(visit)
        children = [
            _folder(str(replace(place, camera=each)), name, media_class=MediaClass.CHANNEL)
            for each, name in names.items()
        ]
        return _folder(str(place), visit.texts[f"purpose_{place.purpose}"], children)

    async def _async_names(self, visit: _Visit) -> dict[str, str]:
        """Return the cameras that the visitor may know of; removed ones while footage is kept."""
        known = {camera: each.title for camera, each in cameras_of(visit.entry).items()}
        held = await visit.entry.runtime_data.bridge.async_in_lobby(Lobby.cameras)
        removed = visit.texts["camera_was_removed"]
        known |= {
            camera: removed.format(camera=camera_name(visit.entry, camera))
            for camera in sorted(held - set(known))
        }
        permissions = visit.decision.permissions
        return {
            camera: name
            for camera, name in known.items()
            if not permissions or any(camera in each.cameras for each in permissions)
        }

    async def _async_days(self, visit: _Visit, place: _Place) -> BrowseMediaSource:
        camera = place.camera or ""
        bridge = visit.entry.runtime_data.bridge
        extent = await bridge.async_in_lobby(lambda lobby: lobby.extent(camera))
        children = await self._async_live(visit, place)
        if extent is not None:
            first, last = (dt_util.as_local(each).date() for each in extent)
            for back in range((last - first).days + 1):
                day = last - timedelta(days=back)
                if visit.sees(camera, *bounds(day)):
                    title = visit.texts.day(day)
                    children.append(_folder(str(replace(place, day=day)), title))
        return _folder(str(place), (await self._async_names(visit)).get(camera, camera), children)

    async def _async_live(self, visit: _Visit, place: _Place) -> list[BrowseMediaSource]:
        """Return what stands for the live view, for whom may see it; else nothing.

        Whether there is a picture just now is said when it is played: that can be read in full.
        """
        camera, purpose = place.camera or "", place.purpose or ""
        may = await visit.entry.runtime_data.bridge.async_in_lobby(
            lambda lobby: lobby.may_watch_live(visit.caller, camera=camera, purpose=purpose)
        )
        if not may or camera not in cameras_of(visit.entry):
            return []
        minutes = visit.entry.data.get(CONF_LIVE_MINUTES, DEFAULT_LIVE_MINUTES)
        title = visit.texts["live_title"].format(minutes=minutes)
        return [_film(str(replace(place, live=True)), title, None)]

    async def _async_hours(self, visit: _Visit, place: _Place) -> BrowseMediaSource:
        camera, purpose, day = place.camera or "", place.purpose or "", place.day
        assert day is not None
        start, end = bounds(day)
        bridge = visit.entry.runtime_data.bridge
        hours = await bridge.async_in_lobby(lambda lobby: lobby.hours(camera, start, end))
        children = [
            _film(
                str(replace(place, hour=each.start_at)),
                visit.texts["hour_title"].format(
                    start=clock(each.start_at),
                    end=clock(each.start_at + _HOUR),
                    length=visit.texts.length(each.length),
                ),
                picture_path(visit.entry.entry_id, purpose, camera, each.first),
                can_expand=True,
            )
            for each in hours
            if visit.sees(camera, each.start_at, each.start_at + _HOUR)
        ]
        return _folder(str(place), visit.texts.day(day), children)

    async def _async_clips(self, visit: _Visit, place: _Place) -> BrowseMediaSource:
        camera, hour = place.camera or "", place.hour
        assert hour is not None
        end = hour + _HOUR
        bridge = visit.entry.runtime_data.bridge
        found = await bridge.async_in_lobby(lambda lobby: lobby.listing(camera, hour, end))
        below = str(replace(place, clip=None))
        listed = [
            (each.start_at, self._clip(visit, place.purpose or "", below, each))
            for each in found.segments
            if visit.sees(camera, each.start_at, each.end_at)
        ]
        for gap in found.gaps:
            within = (max(gap.start_at, hour), min(gap.end_at or end, end))
            for since, until in visit.spans(camera, *within):
                if until - since >= GAP:
                    listed.append((since, _notice(str(place), visit.texts.gap(gap, since, until))))
        listed.sort(key=itemgetter(0))
        title = visit.texts["span"].format(start=clock(hour), end=clock(end))
        children = [each for _, each in listed]
        return _film(str(place), title, None, children)

    def _clip(self, visit: _Visit, purpose: str, hour: str, segment: Segment) -> BrowseMediaSource:
        title = visit.texts["clip_title"].format(
            start=clock(segment.start_at, seconds=True), length=visit.texts.length(segment.length)
        )
        return _film(
            f"{hour}/{segment.sequence}",
            title,
            picture_path(visit.entry.entry_id, purpose, segment.camera, segment.sequence),
        )

    async def _async_search(
        self, visit: _Visit, place: _Place, query: str
    ) -> list[BrowseMediaSource]:
        """Return what is listed below a place and reads like the query, at most a hundred."""
        wanted = query.casefold().strip()
        found: list[BrowseMediaSource] = []
        waiting = [place]
        while waiting and wanted and len(found) < _MOST_FOUND:
            here = waiting.pop(0)
            for each in (await self._async_list(visit, here)).children or ():
                assert isinstance(each, BrowseMediaSource)
                if wanted in each.title.casefold():
                    found.append(each)
                below = _Place.parse(each.identifier or "")
                if each.can_expand and (below.day is None or place.day is not None):
                    waiting.append(below)
        return found[:_MOST_FOUND]


@contextmanager
def _told(texts: Texts, kind: type[HomeAssistantError]) -> Iterator[None]:
    """Tell a person in one line why they see nothing, by the error that Home Assistant expects."""
    try:
        yield
    except RefusedError as err:
        raise kind(texts[_OWN.get(err.refusal, "refused")]) from None
    except LiveMissingError as err:
        raise kind(texts[f"live_{err.detail}"]) from None
    except StewardError, ValueError:
        raise kind(texts["nothing_here"]) from None


def _folder(
    identifier: str | None,
    title: str,
    children: list[BrowseMediaSource] | None = None,
    media_class: MediaClass = MediaClass.DIRECTORY,
) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=media_class,
        media_content_type="",
        title=title,
        can_play=False,
        can_expand=True,
        children=children,
    )


def _film(
    identifier: str,
    title: str,
    thumbnail: str | None,
    children: list[BrowseMediaSource] | None = None,
    *,
    can_expand: bool = False,
) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=MediaClass.VIDEO,
        media_content_type=_MIME,
        title=title,
        can_play=True,
        can_expand=can_expand or children is not None,
        children=children,
        children_media_class=MediaClass.VIDEO,
        thumbnail=thumbnail,
    )


def _notice(identifier: str, title: str) -> BrowseMediaSource:
    """Return a line that can only be read."""
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=MediaClass.URL,
        media_content_type="",
        title=title,
        can_play=False,
        can_expand=False,
    )
