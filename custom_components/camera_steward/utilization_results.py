"""What a utilization gave, in lines for people to read: counts and levels, nothing of a person."""

from collections.abc import Iterator
from datetime import datetime

from .core.utilization.detection import Thing
from .core.utilization.results import (
    AttributesResult,
    CountingResult,
    Direction,
    IconsResult,
    MovementResult,
    OtherResult,
    Result,
    SceneryResult,
)
from .texts import Texts, moment_text


def result_lines(result: Result, texts: Texts) -> list[str]:
    """Return what there is to tell of a result so far."""
    match result:
        case AttributesResult():
            return list(_attributes(result, texts))
        case MovementResult():
            return list(_movement(result, texts))
        case CountingResult():
            return list(_counting(result, texts))
        case SceneryResult(state=None):
            return [texts["result_no_scene"]]
        case SceneryResult(state=label, since_at=since_at):
            return [texts["result_scene"].format(label=label, since=_moment(since_at))]
        case IconsResult(crowd=crowd, people=people):
            said = texts.option("result_crowd", crowd)
            return [texts["result_crowd"].format(crowd=said, count=len(people))]
        case OtherResult(since_at=None):
            return [texts["result_none"]]
        case OtherResult(since_at=since_at, most=most):
            since, count = _moment(since_at), _count(most, texts)
            return [texts["result_most"].format(since=since, count=count)]


def _attributes(result: AttributesResult, texts: Texts) -> Iterator[str]:
    if result.since_at is None:
        yield texts["result_none"]
    else:
        since, count = _moment(result.since_at), _count(result.visitors, texts)
        yield texts["result_visitors"].format(since=since, count=count)
        shares = {f"age_{band}": count for band, count in result.ages.items()}
        shares |= {f"sex_{sex}": count for sex, count in result.sexes.items()}
        for key, share in shares.items():
            name = texts[f"result_{key}"]
            yield texts["result_share"].format(name=name, count=_count(share, texts))
    yield texts["result_queue"].format(count=result.queue)
    if result.forecast is not None:
        yield texts["result_forecast"].format(count=result.forecast)
    if result.open_till:
        yield texts["result_open_till"]


def _movement(result: MovementResult, texts: Texts) -> Iterator[str]:
    for zone, visits in result.visits.items():
        dwell = result.dwell.get(zone)
        yield texts["result_zone"].format(
            zone=zone, visits=_count(visits, texts), dwell="–" if dwell is None else dwell
        )
    if result.hour_at is not None:
        yield texts["result_heat"].format(since=_moment(result.hour_at))
    elif not result.visits:
        yield texts["result_none"]


def _counting(result: CountingResult, texts: Texts) -> Iterator[str]:
    """Yield a line and thing each, as far as there was one."""
    lines = dict.fromkeys(line for line, _, _ in result.totals)
    for line in lines:
        for thing in Thing:
            inward, outward = (result.totals.get((line, thing, way), 0) for way in Direction)
            if inward or outward or thing is Thing.PERSON:
                yield texts["result_counted"].format(
                    line=line,
                    thing=texts.option("result_thing", thing),
                    inward=inward,
                    outward=outward,
                )


def _moment(moment: datetime | None) -> str:
    return moment_text(moment) if moment is not None else ""


def _count(count: int | None, texts: Texts) -> str:
    return texts["result_few"] if count is None else str(count)
