"""Real people on a real street: the public PETS 2009 S2.L1 view 1, from Debian's package `opencv-doc`.

Nothing of it is in this repository; `script/setup` installs the package.
"""

import fcntl
import subprocess
from pathlib import Path

from .media import CACHE

VIDEO = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
"""795 pictures of 768×576, seven a second as filmed (the file itself says ten)."""
RATE = 7


def pedestrians(seconds: int = 60) -> Path:
    """Return its first seconds as H.264 (Matroska), a keyframe each second; made once, kept in the cache."""
    path = CACHE / f"pedestrians-{seconds}.mkv"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            draft = path.with_suffix(".draft.mkv")
            subprocess.run(
                [
                    *("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"),
                    *("-r", str(RATE), "-i", str(VIDEO), "-frames:v", str(seconds * RATE), "-an"),
                    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(RATE)),
                    *("-bf", "0", "-pix_fmt", "yuv420p", str(draft)),
                ],
                check=True,
            )
            draft.replace(path)
    return path
