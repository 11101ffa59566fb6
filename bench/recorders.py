"""One recorder in a process of its own: `python -m bench.recorders KIND FOLDER URL…`.

`steward` is the whole chain: receive, digest, encrypt, write, index. `demux` only receives, by the
same library: the floor. Ends when its stdin does.
"""

import sys
import threading
import time
from functools import partial
from pathlib import Path

APART_SECONDS = 0.25
"""Streams start one after the other, as keyframes of real cameras do not come all at once."""


def steward(folder: Path, urls: list[str]) -> None:
    """Record by the core's own workers into a vault."""
    from bench.core import load_core  # noqa: PLC0415

    load_core()
    from bench.vaults import new_site  # noqa: PLC0415
    from custom_components.camera_steward.core.capture.source import (  # noqa: PLC0415
        Address,
        AvSource,
    )
    from custom_components.camera_steward.core.capture.worker import (  # noqa: PLC0415
        CameraPlan,
        CaptureWorker,
    )

    site = new_site(folder / "site")
    workers = []
    for number, url in enumerate(urls):
        source = AvSource(partial(Address, url=url, options={"rtsp_transport": "tcp"}))
        plan = CameraPlan(camera=f"camera{number}", source=source)
        workers.append(CaptureWorker(plan, site.vault, site.guard, lambda event: None))
        workers[-1].start()
        time.sleep(APART_SECONDS)
    sys.stdin.read()
    for worker in workers:
        worker.request_stop()
    for worker in workers:
        worker.join(20)


def demux(_folder: Path, urls: list[str]) -> None:
    """Receive packets and drop them, a thread a stream."""
    import av  # noqa: PLC0415

    quitting = threading.Event()

    def receive(url: str) -> None:
        options = {"rtsp_transport": "tcp"}
        with av.open(url, options=options, timeout=(10, 5)) as container:
            for _ in container.demux(video=0):
                if quitting.is_set():
                    return

    threads = [threading.Thread(target=receive, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
        time.sleep(APART_SECONDS)
    sys.stdin.read()
    quitting.set()
    for thread in threads:
        thread.join(20)


if __name__ == "__main__":
    {"steward": steward, "demux": demux}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3:])
