"""One recorder in a process of its own: `python -m bench.recorders KIND FOLDER URL…`.

`steward` is the whole chain: receive, digest, encrypt, write, index. `demux` only receives, by the
same library: the floor. Ends when its stdin does.
"""

import sys
import threading
import time
from pathlib import Path

APART_SECONDS = 0.25
"""Streams start one after the other, as keyframes of real cameras do not come all at once."""


def steward(folder: Path, urls: list[str]) -> None:
    """Record by a whole site: workers, keeper, vault, index, ledger."""
    from bench import vaults  # noqa: PLC0415

    site = vaults.steward(vaults.new_site(folder / "site"), urls)
    site.start()
    for number in range(len(urls)):
        site.set_recording(f"camera{number}", True, actor="bench")
        time.sleep(APART_SECONDS)
    sys.stdin.read()
    site.stop(20)


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
