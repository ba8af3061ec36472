"""Messages as bytes, for the pipes between processes."""

from __future__ import annotations

import json
import pickle
import struct
from typing import IO, Any, Protocol


class Codec(Protocol):
    """Turns messages into bytes and back."""

    def encode(self, message: Any) -> bytes:
        """Return the bytes of a message."""
        ...

    def is_whole(self, received: bytearray) -> bool:
        """Return True once all bytes of a message have been received."""
        ...

    def decode(self, received: bytearray) -> Any:
        """Return the message whose bytes these are.

        Raises:
            ValueError: they are no message.
        """
        ...


class Pickles(Codec):
    """Pickled objects, each preceded by its length."""

    _length = struct.Struct("!Q")

    def encode(self, message: Any) -> bytes:
        pickled = pickle.dumps(message)
        return self._length.pack(len(pickled)) + pickled

    def is_whole(self, received: bytearray) -> bool:
        start = self._length.size
        return len(received) >= start and len(received) >= start + self._size(received)

    def decode(self, received: bytearray) -> Any:
        return pickle.loads(received[self._length.size :])

    def read(self, file: IO[bytes]) -> Any:
        """Wait for the next message of a file and return it.

        Raises:
            EOFError: the file has ended.
        """
        start = file.read(self._length.size)
        if len(start) < self._length.size:
            raise EOFError
        return pickle.loads(file.read(self._size(start)))

    def _size(self, received: bytes | bytearray) -> int:
        size: int = self._length.unpack_from(received)[0]
        return size


class JsonLines(Codec):
    """JSON objects, one a line."""

    def encode(self, message: Any) -> bytes:
        return json.dumps(message).encode() + b"\n"

    def is_whole(self, received: bytearray) -> bool:
        return received.endswith(b"\n")

    def decode(self, received: bytearray) -> dict[str, Any]:
        try:
            message = json.loads(received)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            start = received[:80].decode(errors="replace")
            raise ValueError(f"its answer is not a JSON object: {start!r}")
        return message
