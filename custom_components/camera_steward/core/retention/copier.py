"""The thread that copies what is held, beside the keeper's, which must not wait for it."""

import threading
from collections.abc import Callable

from ..errors import StewardError, UnexpectedError
from .holds import Holds


class Copier:
    """Copies until nothing is left that can be copied, then ends; begun anew whenever asked."""

    def __init__(
        self, holds: Holds, stopping: Callable[[], bool], on_error: Callable[[StewardError], None]
    ) -> None:
        """Prepare; `stopping` is asked at each segment, `on_error` called in the thread."""
        self._holds = holds
        self._stopping = stopping
        self._on_error = on_error
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._again = False

    def start(self) -> None:
        """Copy what is noted by now, where anything is; returns at once."""
        if self._stopping() or not self._holds.pending():
            return
        with self._lock:
            self._again = True
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="camera-steward-holds", daemon=True
                )
                self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the thread, once `stopping` says so; return whether it ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping() or not self._again:
                    self._thread = None
                    return
                self._again = False
            try:
                self._holds.copy_pending(self._stopping)
            except StewardError as err:
                self._on_error(err)
            except Exception as err:
                self._on_error(UnexpectedError(type(err).__name__))
