"""Alerts on stderr: as one screen where a person looks, as one JSON line where a program collects logs."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import Literal, TextIO

from ops.delivery.message import Message
from ops.store.codec import dumps

_TURN = threading.Lock()


@dataclass(frozen=True, slots=True)
class ConsoleParams:
    """`form` "auto" is "screen" on a terminal and "json" elsewhere. `stream` is stderr unless given."""

    form: Literal["auto", "screen", "json"] = "auto"
    stream: TextIO | None = None


class ConsoleNotifier:
    """Never fails, needs nothing: the channel of last resort. Signed links stay out of the log."""

    def __init__(self, params: ConsoleParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        stream = self._params.stream or sys.stderr
        screen = self._params.form == "screen" or (self._params.form == "auto" and stream.isatty())
        if screen:
            text = f"\n{'=' * 72}\n{message.text(with_link=False)}\n{'=' * 72}\n"
        else:
            text = dumps({"event": "alert", **message.data(with_link=False)}).decode("utf-8") + "\n"
        with _TURN:
            stream.write(text)
            stream.flush()

    def close(self) -> None:
        """stderr is not ours to close."""
