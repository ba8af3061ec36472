from __future__ import annotations

import io
from typing import Any

import pytest

from benchmarks.core.codecs import Codec, JsonLines, Pickles


@pytest.mark.parametrize("codec", [Pickles(), JsonLines()])
@pytest.mark.parametrize("message", [{}, {"text": "a\nb", "list": [1, 2.5, None]}])
def test_a_message_is_whole_at_its_last_byte_and_comes_back(codec: Codec, message: Any) -> None:
    data = bytearray(codec.encode(message))
    assert [codec.is_whole(data[:n]) for n in range(len(data))] == [False] * len(data)
    assert codec.is_whole(data)
    assert codec.decode(data) == message


def test_pickles_are_read_one_after_the_other_until_the_file_ends() -> None:
    codec = Pickles()
    file = io.BytesIO(codec.encode((1, "one")) + codec.encode({2, 3}) + b"\0")
    assert codec.read(file) == (1, "one")
    assert codec.read(file) == {2, 3}
    with pytest.raises(EOFError):
        codec.read(file)


@pytest.mark.parametrize("line", [b"rubbish\n", b"[1, 2]\n", b"\xff\n"])
def test_a_line_that_is_no_json_object_is_quoted(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^its answer is not a JSON object: '"):
        JsonLines().decode(bytearray(line))
