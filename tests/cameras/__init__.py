"""Virtual cameras for tests, demo and bench; nothing of the integration is used here.

    from tests.cameras import Clip, RtspCamera, run_of, unit_digest, units
    clip = Clip(video="h265", audio="opus", seconds=4)      # made by ffmpeg, cached; .path()
    with RtspCamera(clip, user="u", password="p") as camera:
        camera.url, camera.bare_url                          # rtsp://u:p@127.0.0.1:<port>/stream

Footage: `Clip(video=h264|h265|mjpeg|None, audio=aac|pcmu|pcma|opus|None, width, height, rate,
seconds, gop_seconds, b_frames, slices, in_band, aud, marked, bitrate_kbps)`; `BENCH` is 1080p30 at
3 Mbit/s. `clip.marker` lies in the clear in each access unit (SEI) and `clip.samples()` are pieces
of its units: search a disk for both to find plaintext.
Yardstick: `units(path or bytes, track)` → NAL units or packets; `unit_digest(units)`;
`run_of(received, served)` → where the received units start in the looped file, None when they are
no unbroken run; `run_digest(received, served)` → the digest of what was served over that run;
`jpeg_scan(image)`: RTP rebuilds a JPEG's headers, so compare scans.
Cameras (context managers, or `start()` / `close()`; each a process of its own, port free, ends
when this one does; any path is the stream, any number of clients, each from the clip's start):
- `RtspCamera(clip, user, password, auth=digest|basic, loop, speed, start_seconds, timestamps)`,
  TCP only; `.switch(clip)` in mid-stream. Audio only: `Clip(video=None, audio="pcmu")`.
- `WebCamera(clip, user, password, rate)`: `.url` motion JPEG, `.still_url` (new image each time;
  `stats()["stills"]` are the SHA-256 of those served).
- `SilentCamera()` accepts and says nothing; `DeadCamera()` refuses.
- `ThrottledProxy(camera, bytes_per_second)`: `.throttle(n)`, `.freeze()`, `.resume()`, `.cut()`.
All: `.stop()` (cut, then refuse) and `.start()` (same port again), `.stall()`/`.resume()`
(connected, nothing sent), `.cut()`, `.stats()` → connections, open, refused, plays, playing,
sent_frames, sent_bytes. `wait_for(look)` waits for a condition.
Run one by hand: `python -m tests.cameras --help`.
"""

from .media import BENCH, Clip
from .server import (
    Camera,
    DeadCamera,
    RtspCamera,
    SilentCamera,
    ThrottledProxy,
    WebCamera,
    wait_for,
)
from .yardstick import jpeg_scan, packets, run_digest, run_of, split_annexb, unit_digest, units

__all__ = [
    "BENCH",
    "Camera",
    "Clip",
    "DeadCamera",
    "RtspCamera",
    "SilentCamera",
    "ThrottledProxy",
    "WebCamera",
    "jpeg_scan",
    "packets",
    "run_digest",
    "run_of",
    "split_annexb",
    "unit_digest",
    "units",
    "wait_for",
]
