"""Run one RTSP camera by hand: `python -m tests.cameras --video h265 --audio aac`."""

import argparse
import signal

from . import Clip, RtspCamera


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.cameras", description=__doc__)
    parser.add_argument("--video", choices=["h264", "h265", "mjpeg"], default="h264")
    parser.add_argument("--audio", choices=["aac", "pcmu", "pcma", "opus"])
    parser.add_argument("--size", default="640x360", help="width x height (640x360)")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--user")
    parser.add_argument("--password")
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    clip = Clip(
        video=chosen.video, audio=chosen.audio, width=width, height=height, seconds=chosen.seconds
    )
    with RtspCamera(clip, user=chosen.user, password=chosen.password) as camera:
        print(camera.url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
