"""HTTP cameras: /video.mjpg (multipart/x-mixed-replace) and /still.jpg (another image each time)."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any, override

from . import yardstick
from .listener import Listener, read_head


class WebListener(Listener):
    """Serves the images of a motion JPEG file, one after the other."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Load the images."""
        super().__init__(config)
        self.images = yardstick.packets(Path(config["path"]))
        self.rate: float = config.get("rate", 5.0)
        self.stills: list[str] = []
        self.frames = 0
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def stall(self) -> dict[str, Any]:
        """Send nothing more but keep every connection open."""
        self.flowing.clear()
        return {}

    async def resume(self) -> dict[str, Any]:
        """Send on."""
        self.flowing.set()
        return {}

    @override
    async def stats(self) -> dict[str, Any]:
        """Return what was counted, and SHA-256 of each still that was served."""
        return await super().stats() | {"stills": self.stills, "frames": self.frames}

    @override
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        first, headers = await read_head(reader)
        path = first.split(" ")[1].partition("?")[0]
        if not self.basic_allows(headers.get("authorization", "")):
            self.refused += "authorization" in headers
            challenge = 'WWW-Authenticate: Basic realm="camera"'
            _head(writer, "401 Unauthorized", challenge, "Content-Length: 0")
        elif path == "/still.jpg":
            await self.flowing.wait()
            image = self.images[len(self.stills) % len(self.images)]
            self.stills.append(hashlib.sha256(image).hexdigest())
            _head(writer, "200 OK", "Content-Type: image/jpeg", f"Content-Length: {len(image)}")
            writer.write(image)
        elif path == "/video.mjpg":
            await self._stream(writer)
        else:
            _head(writer, "404 Not Found", "Content-Length: 0")
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        _head(writer, "200 OK", "Content-Type: multipart/x-mixed-replace; boundary=frame")
        number = 0
        while True:
            await self.flowing.wait()
            image = self.images[number % len(self.images)]
            part = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
            writer.write(part.encode() + image + b"\r\n")
            await writer.drain()
            number += 1
            self.frames += 1
            await asyncio.sleep(1 / self.rate)


def _head(writer: asyncio.StreamWriter, status: str, *headers: str) -> None:
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
