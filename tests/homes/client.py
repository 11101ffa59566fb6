"""One person's login at a running Home Assistant: REST, WebSocket and the forms of flows."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from aiohttp import ClientError, ClientSession, ClientTimeout

_TIMEOUT = ClientTimeout(total=90)
_RENEW_AFTER = 20 * 60.0


class RefusedError(Exception):
    """Home Assistant answered with an error, or not at all; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can log in."""

    name: str
    user: str
    password: str
    admin: bool = False


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # Of its own, so that callers may be synchronous and yet be called from within a loop.
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="homes-client", daemon=True).start()
    return loop


def _run[T](doing: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run_coroutine_threadsafe(doing, _loop()).result()
    except (ClientError, TimeoutError) as err:
        raise RefusedError(f"no answer: {err}") from None


class Client:
    """Calls as one person; every call is a connection of its own, so that restarts do not matter."""

    def __init__(self, base: str, refresh_token: str, access_token: str) -> None:
        """Use tokens that a login gave."""
        self.base = base
        self.refresh_token = refresh_token
        self._access = access_token
        self._renewed = time.monotonic()

    @classmethod
    def login(cls, base: str, person: Person) -> Client:
        """Log in as a person does, by name and password."""
        own = {"client_id": f"{base}/"}
        flow = request(
            base,
            "POST",
            "/auth/login_flow",
            {**own, "handler": ["homeassistant", None], "redirect_uri": f"{base}/"},
        )
        done = request(
            base,
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            {**own, "username": person.user, "password": person.password},
        )
        if done["type"] != "create_entry":
            raise RefusedError(str(done.get("errors")))
        return cls.of_code(base, done["result"])

    @classmethod
    def of_code(cls, base: str, code: str) -> Client:
        """Turn a login's code into tokens."""
        form = {"grant_type": "authorization_code", "code": code, "client_id": f"{base}/"}
        tokens = request(base, "POST", "/auth/token", form=form)
        return cls(base, tokens["refresh_token"], tokens["access_token"])

    @property
    def token(self) -> str:
        """Return an access token that is good for some minutes."""
        if time.monotonic() - self._renewed > _RENEW_AFTER:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self.refresh_token,
                "client_id": f"{self.base}/",
            }
            self._access = request(self.base, "POST", "/auth/token", form=form)["access_token"]
            self._renewed = time.monotonic()
        return self._access

    def rest(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the decoded answer of a REST call."""
        return request(self.base, method, path, body, token=self.token)

    def ws(self, kind: str, /, **fields: Any) -> Any:
        """Return the result of a WebSocket command."""
        return _run(_command(self.base, self.token, {"type": kind, **fields}))

    # ------------------------------------------------------------------ states and actions

    def state(self, entity_id: str) -> dict[str, Any]:
        """Return an entity's state; `RefusedError` when there is none."""
        return cast("dict[str, Any]", self.rest("GET", f"/api/states/{entity_id}"))

    def states(self) -> dict[str, dict[str, Any]]:
        """Return all states by entity id."""
        return {each["entity_id"]: each for each in self.rest("GET", "/api/states")}

    def act(self, domain: str, service: str, **data: Any) -> None:
        """Call an action."""
        self.rest("POST", f"/api/services/{domain}/{service}", data)

    def ask(self, domain: str, service: str, **data: Any) -> dict[str, Any]:
        """Call an action and return its response."""
        done = self.rest("POST", f"/api/services/{domain}/{service}?return_response", data)
        return cast("dict[str, Any]", done["service_response"])

    # ------------------------------------------------------------------ flows

    def fill(
        self,
        flows: str,
        handler: object,
        forms: Mapping[str, Mapping[str, Any]],
        **more: str,
    ) -> dict[str, Any]:
        """Walk a flow to its end, answering each step by name; waits where it shows progress.

        `flows` is `flow` or `subentries/flow`; with `subentry_id`, what is there is changed.
        """
        path = f"/api/config/config_entries/{flows}"
        step = self.rest("POST", path, {"handler": handler, **more})
        while True:
            at = f"{path}/{step['flow_id']}"
            match step["type"]:
                case "form":
                    if step.get("errors"):
                        raise RefusedError(f"{step['step_id']}: {step['errors']}")
                    if step["step_id"] not in forms:
                        raise RefusedError(f"no answer to step {step['step_id']}")
                    step = self.rest("POST", at, forms[step["step_id"]])
                case "menu":
                    (chosen,) = set(step["menu_options"]) & set(forms)
                    step = self.rest("POST", at, {"next_step_id": chosen})
                case "progress":
                    time.sleep(0.2)
                    step = self.rest("GET", at)
                case "abort" if step["reason"] == "reconfigure_successful":
                    return cast("dict[str, Any]", step)
                case "create_entry":
                    return cast("dict[str, Any]", step)
                case other:
                    raise RefusedError(f"{other}: {step.get('reason')}")


def request(
    base: str,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    token: str | None = None,
) -> Any:
    """Return the decoded answer of one call without a login, or with a token."""
    return _run(_request(base + path, method, body, form, token))


async def _request(
    url: str,
    method: str,
    body: Mapping[str, Any] | None,
    form: Mapping[str, str] | None,
    token: str | None,
) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        ClientSession(timeout=_TIMEOUT, headers=headers) as session,
        session.request(method, url, json=body, data=form) as answer,
    ):
        if answer.status >= 400:
            raise RefusedError(f"{answer.status}: {(await answer.text())[:500]}")
        if answer.content_type.startswith("image/"):
            return await answer.read()
        return await answer.json() if "json" in answer.content_type else await answer.text()


async def _command(base: str, token: str, message: dict[str, Any]) -> Any:
    async with (
        ClientSession(timeout=_TIMEOUT) as session,
        session.ws_connect(f"{base}/api/websocket", max_msg_size=0) as socket,
    ):
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": token})
        if (hello := await socket.receive_json())["type"] != "auth_ok":
            raise RefusedError(str(hello))
        await socket.send_json({"id": 1, **message})
        async with asyncio.timeout(_TIMEOUT.total):
            answer = await socket.receive_json()
        if not answer["success"]:
            error = answer["error"]
            about = error.get("translation_placeholders") or ""
            raise RefusedError(f"{error['code']}: {error['message']} {about}".rstrip())
        return answer["result"]
