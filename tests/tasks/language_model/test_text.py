from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.datasets import DataError
from tasks.language_model import text
from tasks.language_model.text import load_text, windows


def test_the_text_is_cut_into_three_contiguous_parts(data_dir: str) -> None:
    loaded = load_text(data_dir)
    sizes = len(loaded.train), len(loaded.validation), len(loaded.test)
    assert sizes == (892315, 111539, 111540)
    assert loaded.characters == 65
    letters = sorted(set((Path(data_dir) / text.FILE).read_text()))
    assert "".join(letters[token] for token in loaded.train[:13]) == "First Citizen"


def test_a_cap_keeps_the_first_characters(data_dir: str) -> None:
    capped, whole = load_text(data_dir, 1000), load_text(data_dir)
    assert (len(capped.train), len(capped.validation), len(capped.test)) == (800, 100, 100)
    np.testing.assert_array_equal(capped.test, whole.train[900:1000])


def test_windows_share_only_the_token_between_them() -> None:
    cut = windows(np.arange(10), 3)
    assert cut.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert windows(np.arange(9), 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]


def test_a_file_that_is_not_the_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file tinyshakespeare\.txt in the data folder"):
        load_text(str(tmp_path))
    (tmp_path / text.FILE).write_text("To be, or not to be")
    with pytest.raises(DataError, match="is not the pinned 86c4e6aa9db7"):
        load_text(str(tmp_path))


def test_offline_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("UNTUNABLE_DATA", raising=False)
    monkeypatch.setattr(text.urllib.request, "urlopen", offline)
    with pytest.raises(DataError, match=r"offline\? set task\.data_dir=FOLDER"):
        load_text()


def test_what_is_downloaded_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: str
) -> None:
    source = Path(data_dir) / text.FILE
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("UNTUNABLE_DATA", raising=False)
    monkeypatch.setattr(text, "URL", source.resolve().as_uri())
    assert load_text().characters == 65
    monkeypatch.setattr(text, "URL", "file:///nowhere")
    assert load_text().characters == 65
