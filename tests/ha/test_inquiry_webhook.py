"""The public form: takes a little text from anyone, gives nothing back, and is off by default."""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.camera_steward.const import CONF_INQUIRY_WEBHOOK, DOMAIN
from custom_components.camera_steward.core.ledger.entry import EntryKind
from custom_components.camera_steward.inquiries import (
    CONTENT_MOST,
    _fields,
    _Pace,
    _WrongError,
)

from .sites import async_ledger
from .watching import Stage, async_quiet

ID = "f" * 64
PATH = f"/api/webhook/{ID}"
EVIL = "<script>alert(1)</script>{{ 7 * 7 }}"


@pytest.fixture
async def quiet(
    hass: HomeAssistant,
    disk: Path,
    hass_ws_client: Callable[..., Any],
    hass_client_no_auth: Callable[..., Any],
) -> Stage:
    """Set up a site with the form, whose names hold markup."""
    return await async_quiet(
        hass,
        disk,
        hass_ws_client,
        hass_client_no_auth,
        installer="<b>Honcho</b> Shop",
        inquiry_webhook=ID,
    )


async def contents(stage: Stage) -> list[Any]:
    """Return what was entered."""
    found = await async_ledger(stage.hass, stage.entry, EntryKind.RECORD_OPENED)
    return [each.data["fields"] for each in found]


async def test_a_form_and_json_are_taken_and_never_shown(
    quiet: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    http = quiet.http
    page = await http.get(PATH)
    text = await page.text()
    assert page.status == HTTPStatus.OK
    assert "<form method=" in text
    assert "お問い合わせ" in text
    assert "&lt;b&gt;Honcho" in text
    assert "<b>Honcho" not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"

    sent = {"content": EVIL, "contact": "048-111-2222", "finding": "proper", "camera": "door"}
    for answer in (await http.post(PATH, data=sent), await http.post(PATH, json=sent)):
        text = await answer.text()
        assert answer.status == HTTPStatus.OK
        assert "ありがとうございました" in text
        assert "Thank you" in text
        for each in sent.values():
            assert each not in text
    first, second = await contents(quiet)
    assert first == second
    assert {k: first[k] for k in ("content", "contact", "way")} == {
        "content": EVIL,
        "contact": "048-111-2222",
        "way": "form",
    }
    assert set(first) == {"content", "contact", "way", "received_on", "received_by"}
    rows = (await quiet.ask("records", kind="inquiry", language="ja"))["result"]
    assert rows["records"][0]["opened_by"] == "公開フォーム"
    assert rows["form"].endswith(PATH)
    assert "048-111-2222" not in caplog.text
    assert EVIL not in caplog.text


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
BAD = (
    (FORM, b"content=" + b"x" * 40_000),
    (FORM, b"content=%20&contact=x"),
    (FORM, b"content=" + b"x" * (CONTENT_MOST + 1)),
    (JSON, b'{"content": "\\ud800"}'),
    ("text/plain", b"content=x"),
)


async def test_what_is_no_inquiry_is_refused_and_so_are_too_many(quiet: Stage) -> None:
    async def post(kind: str, body: bytes) -> tuple[int, str]:
        answer = await quiet.http.post(PATH, data=body, headers={"Content-Type": kind})
        return answer.status, await answer.text()

    for kind, body in BAD:
        status, text = await post(kind, body)
        assert status == HTTPStatus.BAD_REQUEST, body[:40]
        assert str(CONTENT_MOST) in text
    status, text = await post(FORM, b"content=In+order")
    assert status == HTTPStatus.TOO_MANY_REQUESTS
    assert "048-000-0000" in text  # by telephone, then
    assert await contents(quiet) == []
    assert (await quiet.http.get(PATH)).status == HTTPStatus.OK
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await quiet.fetch(method, PATH))[0] == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"content=%ff"),
        (FORM, b"\xff"),
        (FORM, b"&".join(b"a%d=1" % each for each in range(50))),
        (JSON, b"[" * 30_000),
        (JSON, b'["content"]'),
        (JSON, b"\xff\xfe"),
        (JSON, b""),
        ("multipart/form-data; boundary=x", b"content=x"),
        ("", b"content=x"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_no_inquiry(kind: str, body: bytes) -> None:
    with pytest.raises(_WrongError):
        _fields(kind, body)


def test_what_can_be_read() -> None:
    given = {"content": "防犯カメラ", "contact": ""}
    assert (
        _fields(
            f"{FORM}; charset=utf-8",
            b"content=%E9%98%B2%E7%8A%AF%E3%82%AB%E3%83%A1%E3%83%A9&contact=",
        )
        == given
    )
    assert _fields(JSON, json.dumps(given).encode()) == given


def test_so_many_and_no_more() -> None:
    pace = _Pace()
    assert [pace.admits("a", 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert pace.admits("b", 0.0)
    assert pace.admits("a", 3600.0)
    others = [pace.admits(f"c{each}", 4000.0) for each in range(40)]
    assert others.count(True) == 29
    hours = [pace.admits(f"d{each}", 3600.0 * (3 + each // 30)) for each in range(90)]
    assert hours.count(True) == 100 - 36
    assert not pace.admits("e", 3600.0 * 6)
    assert pace.admits("e", 3600.0 * 30)


async def test_it_is_there_while_the_settings_say_so(quiet: Stage) -> None:
    hass, entry = quiet.hass, quiet.entry

    def setting() -> object:
        return entry.data[CONF_INQUIRY_WEBHOOK]

    async def reconfigure(on: bool) -> None:
        flow = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
        )
        schema = flow["data_schema"]
        assert schema is not None
        fields = {str(each): each for each in schema.schema}
        was = {"suggested_value": bool(entry.data[CONF_INQUIRY_WEBHOOK])}
        assert fields["inquiry_form"].description == was
        site = {k: v for k, v in entry.data.items() if k in fields and v is not None}
        form = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {**site, "live_minutes": 10, "inquiry_form": on}
        )
        assert form["step_id"] == "move"
        result = await hass.config_entries.flow.async_configure(
            flow["flow_id"],
            {
                "vault_path": entry.data["vault_path"],
                "retention_days": 1,
                "retention_more_hours": 0,
            },
        )
        assert result["type"] is FlowResultType.ABORT
        await hass.async_block_till_done()

    await reconfigure(on=True)
    assert setting() == ID
    bridge = entry.runtime_data.bridge
    await reconfigure(on=False)
    assert setting() is None
    # An address that is none answers nothing, as Home Assistant has it.
    assert await (await quiet.http.get(PATH)).text() == ""
    assert (await quiet.ask("records", kind="inquiry"))["result"]["form"] is None
    await reconfigure(on=True)
    another = setting()
    assert isinstance(another, str)
    assert another != ID
    assert len(another) == 64
    assert entry.runtime_data.bridge is bridge  # recording went on
    assert "<form" in await (await quiet.http.get(f"/api/webhook/{another}")).text()
    await hass.config_entries.async_unload(entry.entry_id)
    assert await (await quiet.http.get(f"/api/webhook/{another}")).text() == ""
