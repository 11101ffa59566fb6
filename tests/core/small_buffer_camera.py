"""A process: a camera whose kernel holds little, and that counts what had to wait for its client.

`python -m tests.core.small_buffer_camera <file>`: prints its port; prints what it counted when a
line comes; ends with its stdin.
"""

import asyncio
import json
import os
import socket
import sys
from typing import Any, override

from tests.cameras.rtsp import RtspListener, _frame, _Session

# Linux doubles it: with 128 KiB this is a modest camera.
SEND_BUFFER_BYTES = int(os.environ.get("SEND_BUFFER_BYTES", "65536"))


class SmallBufferCamera(RtspListener):
    """Writes each picture at its time and looks at what the kernel did not take of it."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.waiting: list[int] = []

    @override
    async def _play(self, session: _Session) -> None:
        transport = session.writer.transport
        session.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES
        )
        transport.set_write_buffer_limits(high=1 << 30)
        async for track, send, ticks in self._sends():
            if transport.is_closing():
                return
            self.waiting.append(transport.get_write_buffer_size())
            channel = session.channels[send.track]
            for packet in _frame(session, channel, track, send, ticks & 0xFFFFFFFF):
                session.writer.write(packet)
            self.sent_frames += 1
            # One that is behind does not wait for the next picture's time: what waits goes out here.
            await asyncio.sleep(0)


async def _main() -> None:
    camera = SmallBufferCamera({"path": sys.argv[1]})
    print(json.dumps(await camera.up()), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.readline():
        waited = camera.waiting
        told = {
            "sent": camera.sent_frames,
            "pictures_late": sum(each > 0 for each in waited),
            "most_bytes": max(waited, default=0),
        }
        print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main())
