"""What every virtual camera shares inside its process: a port that can go down and come back."""

import asyncio
import socket
from base64 import b64decode
from typing import Any


class Listener:
    """A TCP service on 127.0.0.1; subclasses serve one connection in `serve`."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Take the configuration as the parent sent it."""
        self.user: str | None = config.get("user")
        self.password: str = config.get("password") or ""
        self.port = 0
        self.connections = 0
        self.refused = 0
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        raise NotImplementedError

    async def up(self) -> dict[str, Any]:
        """Listen, on the same port as before when there was one."""
        if self._reserved:
            self._reserved.close()
            self._reserved = None
        if not self._server:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]
        return {"port": self.port}

    async def down(self) -> dict[str, Any]:
        """Refuse connections and cut those that are open; the port stays ours."""
        if self._server:
            self._server.close()
            self._server = None
            # Bound but not listening: connecting is refused and no one else is given the port.
            self._reserved = socket.socket()
            self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._reserved.bind(("127.0.0.1", self.port))
        return await self.cut()

    async def cut(self) -> dict[str, Any]:
        """Cut the open connections, as a pulled plug that is noticed."""
        for writer, task in list(self._open.items()):
            if task:
                task.cancel()
            writer.transport.abort()
        return {}

    async def stats(self) -> dict[str, Any]:
        """Return what was counted since the start."""
        return {
            "connections": self.connections,
            "open": len(self._open),
            "refused": self.refused,
        }

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open[writer] = asyncio.current_task()
        try:
            await self.serve(reader, writer)
        except ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError:
            pass
        finally:
            del self._open[writer]
            writer.close()

    def basic_allows(self, header: str) -> bool:
        """Say whether an Authorization header of the Basic scheme is right."""
        if self.user is None:
            return True
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic":
            return False
        return b64decode(value).decode() == f"{self.user}:{self.password}"


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Return the first line and the headers (lower-case names) of a request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
    first, *lines = head.strip().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first, headers
