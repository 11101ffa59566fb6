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


NEAR_SECONDS = 450
"""How long until the same person comes near again: two times in each quarter of an hour."""
_STREET_SECONDS, _SHOWN_SECONDS, _BLANK_SECONDS = 60, 8, 2
_CODEC = (
    *("-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(RATE)),
    *("-bf", "0", "-pix_fmt", "yuv420p"),
)


def pedestrians(seconds: int = _STREET_SECONDS) -> Path:
    """Return its first seconds as H.264 (Matroska), a keyframe each second; made once, kept in the cache."""
    return _made(f"pedestrians-{seconds}", seconds, "-r", str(RATE), "-i", str(VIDEO), *_CODEC)


def near(portrait: Path) -> tuple[Path, tuple[Path, Path]]:
    """Return a video in which a person of a square portrait comes near, and the two that it is made of.

    Of its `NEAR_SECONDS`, the portrait is there for the first few and the street for the last
    minute; between them nobody is.
    """
    size = f"color=gray:s=768x576:r={RATE}"
    blank = _made("blank", _BLANK_SECONDS, "-f", "lavfi", "-i", size, *_CODEC)
    still = ("-loop", "1", "-r", str(RATE), "-i", str(portrait))
    placed = ("-vf", "scale=512:512,pad=768:576:128:64:gray")
    shown = _made("near-shown", _SHOWN_SECONDS, *still, *placed, *_CODEC)
    street = pedestrians()
    blanks = (NEAR_SECONDS - _SHOWN_SECONDS - _STREET_SECONDS) // _BLANK_SECONDS
    listed = CACHE / "near.txt"
    listed.write_text("".join(f"file '{each}'\n" for each in (shown, *[blank] * blanks, street)))
    joined = ("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy")
    return _made("near", NEAR_SECONDS, *joined), (shown, street)


def _made(name: str, seconds: int, *arguments: str) -> Path:
    path = CACHE / f"{name}.mkv"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            draft = path.with_suffix(".draft.mkv")
            quiet = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
            most = ("-frames:v", str(seconds * RATE))
            subprocess.run(["ffmpeg", *quiet, *arguments, *most, str(draft)], check=True)
            draft.replace(path)
    return path
