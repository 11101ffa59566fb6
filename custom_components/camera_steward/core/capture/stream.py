"""A camera's stream at an address: RTSP as it is best received, everything else by FFmpeg."""

from collections.abc import Callable

from ..errors import SourceError, SourceUnreachableError
from .ffmpeg import open_ffmpeg
from .rtsp.stream import open_rtsp
from .source import Address, OpenSource, bare


class StreamSource:
    """A stream at an address that is asked for at each connection."""

    def __init__(self, resolve: Callable[[], Address], *, audio: bool = False) -> None:
        """Ask `resolve` for the address at each connection, as it may change."""
        self._resolve = resolve
        self._audio = audio

    def open(self) -> OpenSource:
        """Connect and find the streams; raise a `SourceError` without the address."""
        address = _resolved(self._resolve)
        if isinstance(address, SourceError):
            raise address
        opened = None
        if address.rtsp and address.tcp:
            opened = open_rtsp(address, audio=self._audio)
        if opened is None:
            opened = open_ffmpeg(address, audio=self._audio)
        if isinstance(opened, SourceError):
            raise opened
        return opened


def _resolved(resolve: Callable[[], Address]) -> Address | SourceError:
    try:
        return resolve()
    except SourceError as err:
        return bare(err)
    except Exception:
        return SourceUnreachableError()
