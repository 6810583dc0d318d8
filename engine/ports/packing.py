"""How what is at rest is kept small, seen from inside."""

from __future__ import annotations

from typing import Any, Protocol


class Packing(Protocol):
    """JSON values as few bytes, and back. Pure, and exact: floats come back bit for bit."""

    def pack(self, value: Any) -> bytes:
        """The value as bytes."""
        ...

    def unpack(self, raw: bytes) -> Any:
        """The inverse of `pack`."""
        ...
