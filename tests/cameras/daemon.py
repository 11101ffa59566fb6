"""The process of one virtual camera: commands as JSON lines on stdin; it ends when stdin does."""

import asyncio
import json
import os
import sys
from typing import Any

from .listener import Listener
from .network import ProxyListener, SilentListener
from .rtsp import RtspListener
from .web import WebListener

_KINDS: dict[str, type[Listener]] = {
    "rtsp": RtspListener,
    "web": WebListener,
    "silent": SilentListener,
    "proxy": ProxyListener,
}
_COMMANDS = {"up", "down", "cut", "stats", "stall", "resume", "switch", "throttle"}


async def _main(config: dict[str, Any]) -> None:
    listener = _KINDS[config.pop("kind")](config)
    print(json.dumps(await listener.up()), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        command = json.loads(line)
        name = command.pop("do")
        assert name in _COMMANDS
        print(json.dumps(await getattr(listener, name)(**command)), flush=True)
    # The parent is gone or has closed the pipe: nothing is worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
