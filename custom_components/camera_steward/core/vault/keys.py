"""Hour keys: made, kept for a while in memory, and destroyed with their hour's last segment."""

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from uuid import UUID

from ..errors import KeyMissingError, SegmentMissingError
from ..files import Files
from .format import KEY_BYTES, unwrap_key, wrap_key

KEY_NAME = "hour.key"
_HELD = 64


class HourKeys:
    """The wrapped keys that lie with the footage; any thread."""

    def __init__(self, root: Path, files: Files, vault: UUID, site_key: bytes) -> None:
        """Serve the keys of one vault."""
        self._root = root
        self._files = files
        self._vault = vault
        self._site_key = site_key
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def make_or_get(self, camera: str, hour: str) -> bytes:
        """Return the key of `<camera>/<hour>`, made now if need be; durable on return."""
        place = f"{camera}/{hour}"
        with self._lock:
            if place in self._held:
                return self._held[place]
            path = self._root / camera / hour / KEY_NAME
            try:
                key = self._read(camera, hour, path)
            except SegmentMissingError:
                key = os.urandom(32)
                self._files.make_directory(path.parent)
                # Under another name first: half a key would lose the whole hour.
                draft = path.with_name(f"{KEY_NAME}.new")
                self._files.unlink(draft)
                file = self._files.create(draft)
                try:
                    file.append(wrap_key(key, self._site_key, self._vault, camera, hour))
                    file.sync()
                finally:
                    file.close()
                self._files.rename(draft, path)
                self._files.sync_directory(path.parent)
            return self._hold(place, key)

    def get(self, camera: str, hour: str) -> bytes:
        """Return the key of an hour; `KeyMissingError` when it is gone or does not open."""
        place = f"{camera}/{hour}"
        with self._lock:
            if place in self._held:
                return self._held[place]
            try:
                return self._hold(
                    place, self._read(camera, hour, self._root / camera / hour / KEY_NAME)
                )
            except SegmentMissingError as err:
                raise KeyMissingError("key file is gone") from err

    def destroy(self, camera: str, hour: str) -> bool:
        """Overwrite and remove an hour's key; False when there was none."""
        path = self._root / camera / hour / KEY_NAME
        with self._lock:
            self._held.pop(f"{camera}/{hour}", None)
            self._files.unlink(path.with_name(f"{KEY_NAME}.new"))
            try:
                self._files.overwrite(path)
            except SegmentMissingError:
                return False
            return self._files.unlink(path)

    def _read(self, camera: str, hour: str, path: Path) -> bytes:
        file = self._files.open(path)
        try:
            data = file.read(0, KEY_BYTES + 1)
        finally:
            file.close()
        return unwrap_key(data, self._site_key, self._vault, camera, hour)

    def _hold(self, place: str, key: bytes) -> bytes:
        self._held[place] = key
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return key
