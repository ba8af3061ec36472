"""Tiny Shakespeare (1,115,394 characters) as token numbers, in three contiguous parts."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.datasets import ENVIRONMENT_VARIABLE, DataError, cache_folder, data_folder

FILE = "tinyshakespeare.txt"
URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """Tokens of a text: the first 80 % for training, then 10 % for validation, 10 % for test."""

    train: Tokens
    validation: Tokens
    test: Tokens
    characters: int
    """number of different characters"""
    sha256: str


def load_text(data_dir: str | None = None, characters: int | None = None) -> Text:
    """Load the text from the data folder, or download and cache it.

    Args:
        data_dir: data folder; None is the one of the environment variable, or the cache.
        characters: number of leading characters to keep, for quick trials; None keeps all.

    Raises:
        DataError: the file is missing while offline, or does not match the pinned hash.
    """
    folder = data_folder(data_dir)
    path = (folder or cache_folder()) / FILE
    if folder is None and not path.is_file():
        _download(path)
    try:
        content = path.read_bytes()
    except OSError:
        raise DataError(f"no file {FILE} in the data folder {path.parent}") from None
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != SHA256:
        raise DataError(f"{path}: content hash {sha256[:12]} is not the pinned {SHA256[:12]}")
    letters, tokens = np.unique(list(content.decode()), return_inverse=True)
    tokens = tokens[:characters]
    ends = [len(tokens) * 8 // 10, len(tokens) * 9 // 10]
    train, validation, test = np.split(tokens.astype(np.int64), ends)
    return Text(train, validation, test, len(letters), sha256)


def windows(tokens: Tokens, context: int) -> Tokens:
    """Cut tokens into windows of ``context`` inputs and the token that follows them.

    Consecutive windows share only that token.

    Returns:
        Windows, shape ``(count, context + 1)``.
    """
    starts = np.arange((len(tokens) - 1) // context) * context
    return tokens[starts[:, None] + np.arange(context + 1)]


def _download(path: Path) -> None:
    try:
        with urllib.request.urlopen(URL, timeout=60) as answer:
            content = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise DataError(
            f"could not download {FILE} ({type(error).__name__}); offline? set "
            f"task.data_dir=FOLDER or {ENVIRONMENT_VARIABLE}=FOLDER to a folder holding it"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(temporary, path)  # atomic: two processes may download at once
