from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support import photos

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tasks.cars.inputs import Features, Pixels, computed_features, read_features  # noqa: E402
from tasks.cars.networks import Backbone  # noqa: E402
from tasks.cars.photos import Photos, load_photos  # noqa: E402
from tasks.datasets import DataError  # noqa: E402

CPU = torch.device("cpu")


def backbone() -> Backbone:
    """Features are the channels' means."""

    class Means(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
            return x.mean(dim=(2, 3))

    return Backbone("means", Means, 3, (127.0, 127.0, 127.0), (128.0, 64.0, 128.0), "made up")


@pytest.fixture
def packed(tmp_path: Path) -> Photos:
    photos.packed(tmp_path / "stanford_cars_24px.npz", px=24)
    return load_photos(str(tmp_path))


def test_pixels_are_normalised_squares_from_the_middle(packed: Photos) -> None:
    pixels = Pixels(packed, 24, backbone(), CPU)
    batch = pixels.batch(np.array([4, 1]), None)
    assert batch.shape == (2, 3, 24, 24)
    expected = (np.asarray(packed.image(4), dtype=float) - 127) / [128, 64, 128]
    np.testing.assert_allclose(batch[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_augmented_squares_lie_anywhere_and_follow_the_rng(packed: Photos) -> None:
    pixels = Pixels(packed, 16, backbone(), CPU)
    pixels._images = [np.add.outer(np.arange(20), np.arange(16)) for _ in packed.labels]  # type: ignore[misc]
    pixels._images = [np.repeat(i[:, :, None], 3, axis=2).astype(np.uint8) for i in pixels._images]
    rows = np.zeros(200, dtype=int)
    corner = 128 * pixels.batch(rows, np.random.default_rng(0))[:, 0, 0, 0] + 127
    assert set(corner.numpy().round()) == {0, 1, 2, 3, 4}
    again = 128 * pixels.batch(rows, np.random.default_rng(0))[:, 0, 0, 0] + 127
    assert torch.equal(corner, again)
    assert 128 * pixels.batch(rows[:1], None)[0, 0, 0, 0] + 127 == pytest.approx(2)


def test_features_are_computed_once(
    packed: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = computed_features(packed, backbone(), 24, CPU)
    assert first.features.shape == (len(packed.labels), 3)
    pixels = Pixels(packed, 24, backbone(), CPU)
    means = pixels.batch(np.arange(len(packed.labels)), None).mean(dim=(2, 3))
    np.testing.assert_allclose(first.features, means, atol=2e-3)
    (kept,) = (tmp_path / "cache" / "untunable").glob("*.npz")
    before = kept.stat().st_mtime_ns
    again = computed_features(packed, backbone(), 24, CPU)
    np.testing.assert_array_equal(again.features, first.features)
    assert again.seconds == first.seconds > 0
    assert kept.stat().st_mtime_ns == before
    computed_features(packed, backbone(), 16, CPU)  # another size is another content
    assert len(list(kept.parent.glob("*.npz"))) == 2
    read = read_features(kept)  # what is kept can be named as task.features
    np.testing.assert_array_equal(read.labels, packed.labels)
    np.testing.assert_array_equal(read.is_test, packed.is_test)


def test_packed_features_are_rows_and_equal_rows_are_equal_photos(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float16)
    rows[4] = rows[1]
    path = tmp_path / "features.npz"
    np.savez(path, feat=rows, label=np.arange(6), is_test=np.arange(6) > 3)
    read = read_features(path)
    assert [i for i, c in enumerate(read.contents) if read.contents.count(c) > 1] == [1, 4]
    batch = Features(read.features, CPU).batch(np.array([5, 0]), np.random.default_rng(0))
    np.testing.assert_array_equal(batch.numpy(), rows[[5, 0]].astype(np.float32))
    np.savez(path, feat=rows, label=np.arange(6)[::-1], is_test=np.arange(6) > 3)
    assert read_features(path).sha256 != read.sha256


def test_files_that_hold_no_features_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.npz holds no features \(FileNotFoundError"):
        read_features(tmp_path / "none.npz")
    path = tmp_path / "short.npz"
    np.savez(path, feat=np.zeros((3, 2)), label=np.zeros(2), is_test=np.zeros(3))
    with pytest.raises(DataError, match="must have one row per photo"):
        read_features(path)
