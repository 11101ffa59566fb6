"""Bad lines: a port that accepts and says nothing, and a proxy that throttles, freezes and cuts."""

import asyncio
import time
from typing import Any, override

from .listener import Listener


class SilentListener(Listener):
    """Accepts, reads everything, and never answers."""

    @override
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wait until the client gives up."""
        while await reader.read(65536):
            pass


class ProxyListener(Listener):
    """Passes bytes to and from an upstream port, back from it no faster than the rate."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Take upstream port and rate (bytes per second; None is unlimited)."""
        super().__init__(config)
        self.upstream: int = config["upstream"]
        self.rate: float | None = config.get("bytes_per_second")
        self.passed_bytes = 0
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def stall(self) -> dict[str, Any]:
        """Pass nothing more but keep every connection open."""
        self.flowing.clear()
        return {}

    async def resume(self) -> dict[str, Any]:
        """Pass on what waited."""
        self.flowing.set()
        return {}

    async def throttle(self, bytes_per_second: float | None) -> dict[str, Any]:
        """Change the rate."""
        self.rate = bytes_per_second
        return {}

    @override
    async def stats(self) -> dict[str, Any]:
        """Return what was counted since the start."""
        return await super().stats() | {"passed_bytes": self.passed_bytes}

    @override
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes both ways until one side ends."""
        # A small buffer: what the line does not carry must hold the camera up.
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", self.upstream, limit=16384
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, limited=False))
                group.create_task(self._pass(far_reader, writer, limited=True))
        except* ConnectionError, EOFError:
            pass
        finally:
            far_writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, limited: bool
    ) -> None:
        while True:
            size = 65536
            if limited and self.rate:
                size = max(1, min(size, int(self.rate / 10)))
            began = time.monotonic()
            data = await reader.read(size)
            if not data:
                raise EOFError
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
            if limited:
                self.passed_bytes += len(data)
                if self.rate:
                    await asyncio.sleep(began + len(data) / self.rate - time.monotonic())
