from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support import photos as made_photos
from tasks.cars.photos import Photos, load_photos
from tasks.datasets import ENVIRONMENT_VARIABLE, DataError


@pytest.fixture(autouse=True)
def _no_folder_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package, kept from the network and from the user's cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    package: Any = pytest.importorskip("datasets")
    # these are read when packages are imported, which another test may have done
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(package.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(package.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return package  # type: ignore[no-any-return]


def refused(says: str, *arguments: Any, **named: Any) -> str:
    """The one line with which loading is refused."""
    with pytest.raises(DataError) as error:
        load_photos(*arguments, **named)
    text = str(error.value)
    assert "\n" not in text
    assert says in text
    return text


def check(photos: Photos, made: made_photos.Made) -> None:
    """These are the photos that were written."""
    assert photos.labels.dtype == np.int64
    assert photos.is_test.dtype == np.bool_
    np.testing.assert_array_equal(photos.labels, made.labels)
    np.testing.assert_array_equal(photos.is_test, made.is_test)
    for number, file in enumerate(made.files):
        assert photos.read(number) == file
        assert photos.contents[number] == hashlib.sha256(file).hexdigest()
    assert len(photos.names) == len(photos.contents) == len(made.files)
    image = photos.image(np.flatnonzero(made.labels == 0)[0])
    assert (image.mode, image.size) == ("RGB", (16, 16))
    red, green, blue = np.asarray(image).mean(axis=(0, 1))
    assert red > 2 * green
    assert red > 2 * blue  # the first class is red


def official(made: made_photos.Made) -> tuple[str, ...]:
    parts = ["test" if test else "train" for test in made.is_test]
    return tuple(f"{part}/{name}" for part, name in zip(parts, made.names, strict=True))


def test_packed(tmp_path: Path) -> None:
    made = made_photos.packed(tmp_path / "some.npz")
    photos = load_photos(str(tmp_path / "some.npz"))
    check(photos, made)
    assert photos.names[:3] == ("0", "1", "2")  # not the whole set: official names unknown


def test_of_the_packed_files_in_a_folder_the_one_with_most_pixels_is_read(tmp_path: Path) -> None:
    for px in (8, 16, 12):
        made_photos.packed(tmp_path / f"stanford_cars_{px}px.npz", px=px)
    (tmp_path / "stanford_cars_99px.npz.part").write_bytes(b"")
    assert load_photos(str(tmp_path)).image(0).size == (16, 16)


@pytest.mark.parametrize("named", ["", "stanford_cars"])
def test_torchvisions_layout(tmp_path: Path, named: str) -> None:
    made = made_photos.folder(tmp_path)
    photos = load_photos(str(tmp_path / named))
    check(photos, made)
    assert photos.names == official(made)


def test_a_folder_with_a_single_photo_a_part(tmp_path: Path) -> None:
    made = made_photos.folder(tmp_path, photos_per_class=2, classes=1)
    check(load_photos(str(tmp_path)), made)


def test_the_hub(tmp_path: Path, datasets: ModuleType) -> None:
    made = made_photos.hub(tmp_path / "cars")
    photos = load_photos(hub_id=str(tmp_path / "cars"))
    check(photos, made)
    assert photos.names == official(made)


def test_all_sources_give_the_same_photos(tmp_path: Path, datasets: ModuleType) -> None:
    made_photos.packed(tmp_path / "cars.npz")
    made_photos.folder(tmp_path)
    made_photos.hub(tmp_path / "cars")
    sources: list[dict[str, str]] = [
        {"data_dir": str(tmp_path / "cars.npz")},
        {"data_dir": str(tmp_path)},
        {"hub_id": str(tmp_path / "cars")},
    ]
    one, *others = (load_photos(**source) for source in sources)
    for other in others:
        assert other.sha256 == one.sha256
        assert other.contents == one.contents
        np.testing.assert_array_equal(other.labels, one.labels)
        np.testing.assert_array_equal(other.is_test, one.is_test)
        for number in range(len(one.labels)):
            same = np.asarray(other.image(number)) == np.asarray(one.image(number))
            assert same.all()


def test_the_hash_is_of_contents_labels_and_split_in_order(tmp_path: Path) -> None:
    def sha256(made: made_photos.Made, **changes: NDArray[Any]) -> str:
        arrays: dict[str, Any] = made_photos.arrays(made) | changes
        np.savez(tmp_path / "cars.npz", **arrays)
        return load_photos(str(tmp_path / "cars.npz")).sha256

    made = made_photos.make()
    arrays = made_photos.arrays(made)
    hashes = {
        sha256(made),
        sha256(made_photos.make(seed=1)),
        sha256(made, label=(made.labels + 1) % 3),
        sha256(made, label=made.labels[::-1]),
        sha256(made, is_test=~made.is_test),
    }
    assert len(hashes) == 5
    assert sha256(made, label=made.labels.astype(np.uint8)) == sha256(made)
    assert sha256(made, offsets=arrays["offsets"].astype(np.uint32)) == sha256(made)


def test_the_environment_variable_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_photos.folder(tmp_path / "named")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "named"))
    check(load_photos(), made)
    made_photos.packed(tmp_path / "cars.npz", classes=1)
    assert load_photos(str(tmp_path / "cars.npz")).labels.max() == 0  # the argument goes first


# ---- mistakes ----


def test_nothing_given_one_line_names_the_three_ways() -> None:
    text = refused("offline since 2023")
    for way in (
        "task.data_dir=FOLDER",
        "UNTUNABLE_DATA",
        "task.hub_id=ID",
        "stanford_cars_*px.npz",
    ):
        assert way in text


def test_two_sources_given_are_one_too_many() -> None:
    refused("set only one of them", data_dir="a", hub_id="b")


def test_a_place_without_photos_gives_one_clear_line(tmp_path: Path) -> None:
    assert str(tmp_path) in refused("neither torchvision's layout", str(tmp_path))
    assert "nowhere" in refused("no such file or folder", str(tmp_path / "nowhere"))


def npz(**changes: NDArray[Any] | None) -> bytes:
    """A packed file with some arrays replaced or, if None, left out."""
    arrays: dict[str, Any] = made_photos.arrays(made_photos.make(2, 2, 8)) | changes
    file = io.BytesIO()
    np.savez(file, **{key: value for key, value in arrays.items() if value is not None})
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: b"", "not a readable npz file"),
        (lambda: b"<html>404</html>", "not a readable npz file"),
        (lambda: npz()[:-30], "truncated or damaged"),
        (lambda: npz()[:200] + bytes(40) + npz()[240:], "damaged"),
        (lambda: npz(blob=None, label=None), "has no arrays blob, label"),
        (lambda: npz(blob=np.zeros(9)), "expected blob uint8 (bytes,)"),
        (lambda: npz(label=np.zeros(3, dtype=int)), "found blob uint8"),
        (lambda: npz(label=np.zeros(4)), "label float64 (4,)"),
        (lambda: npz(label=np.array([None] * 4)), "not a readable npz file"),
        (lambda: npz(is_test=np.zeros(4, dtype=int)), "is_test int64 (4,)"),
        (lambda: npz(offsets=np.arange(5)), "offsets do not cut"),
        (lambda: npz(label=np.array([0, 1, -1, 0])), "found label -1"),
    ],
    ids=[
        *("empty", "html", "cut", "overwritten", "foreign", "blob", "labels", "floats", "objects"),
        *("split", "offsets", "negative"),
    ],
)
def test_a_packed_file_that_is_not_one_gives_one_clear_line(
    content: Callable[[], bytes], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "stanford_cars_8px.npz"
    path.write_bytes(content())
    assert str(path) in refused(says, str(tmp_path))


def test_a_packed_file_of_no_photos_is_refused(tmp_path: Path) -> None:
    none = {"blob": [], "offsets": [0], "label": [], "is_test": []}
    kinds = {"blob": np.uint8, "offsets": np.int64, "label": np.int64, "is_test": np.bool_}
    arrays: dict[str, Any] = {key: np.array(none[key], dtype=kinds[key]) for key in none}
    np.savez(tmp_path / "cars.npz", **arrays)
    refused("into 0 photos", str(tmp_path / "cars.npz"))


def test_missing_images_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    made_photos.folder(tmp_path)
    base = tmp_path / "stanford_cars"
    for name in ("cars_test/00002.jpg", "cars_test/00004.jpg"):
        (base / name).unlink()
    assert str(base / "cars_test/00002.jpg") in refused("2 of 18 image files", str(tmp_path))


def test_an_image_that_goes_after_loading_gives_one_clear_line(tmp_path: Path) -> None:
    made_photos.folder(tmp_path)
    photos = load_photos(str(tmp_path))
    (tmp_path / "stanford_cars" / "cars_train" / "00001.jpg").unlink()
    with pytest.raises(DataError, match=r"cannot read .*cars_train/00001.jpg"):
        photos.image(0)


@pytest.mark.parametrize("file", ["devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat"])
def test_a_missing_or_damaged_file_of_the_devkit_gives_one_clear_line(
    file: str, tmp_path: Path
) -> None:
    made_photos.folder(tmp_path)
    path = tmp_path / "stanford_cars" / file
    whole = path.read_bytes()
    for content in (b"", b"<html>404</html>", whole[:300], whole[:-20]):
        path.write_bytes(content)
        assert str(path) in refused("is not a readable file of the devkit", str(tmp_path))
    path.unlink()
    text = refused(f"no file {path}", str(tmp_path))
    assert ("devkit/cars_test_annos.mat has no labels" in text) == ("withlabels" in file)


def test_test_labels_without_labels_give_one_clear_line(tmp_path: Path) -> None:
    made_photos.folder(tmp_path)
    base = tmp_path / "stanford_cars"
    path = base / "cars_test_annos_withlabels.mat"
    path.write_bytes((base / "devkit" / "cars_test_annos.mat").read_bytes())
    assert str(path) in refused("has no labels; the test labels are in", str(tmp_path))


def test_a_devkit_that_counts_from_0_is_refused(tmp_path: Path) -> None:
    made = made_photos.folder(tmp_path)
    made.labels[:] -= 1
    path = tmp_path / "stanford_cars" / "devkit" / "cars_train_annos.mat"
    made_photos.annotate(path, made, ~made.is_test)
    refused("found class 0, but the devkit counts from 1", str(tmp_path))


def photo(file: bytes) -> Photos:
    return Photos(np.zeros(1, int), np.zeros(1, bool), ("",), ("train/1.jpg",), lambda _: file, "")


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_every_photo_is_decoded_as_rgb(mode: str) -> None:
    file = encoded(Image.new(mode, (5, 3)), "jpeg" if mode != "RGBA" else "png")
    assert (photo(file).image(0).mode, photo(file).image(0).size) == ("RGB", (5, 3))


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_file_that_is_no_image_gives_one_clear_line(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    for file in (b"", b"<html>404</html>", whole[: len(whole) // 2]):
        with pytest.raises(DataError, match=r"^photo train/1.jpg is not a readable image \(.*\)$"):
            photo(file).image(0)


# ---- the Hugging Face hub ----


def test_without_the_package_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    refused("pip install datasets", hub_id="somebody/cars")


def test_a_hub_out_of_reach_gives_one_line_with_the_cause(datasets: ModuleType) -> None:
    text = refused(
        "could not load task.hub_id=somebody/no-such-cars (", hub_id="somebody/no-such-cars"
    )
    assert "Error: " in text


def write(
    datasets: Any, folder: Path, splits: tuple[str, ...] = ("train", "test"), **columns: Any
) -> str:
    """A hub's folder with these columns: values and kind of each."""
    kinds = datasets.Features({name: kind for name, (_, kind) in columns.items()})
    values = {name: value for name, (value, _) in columns.items()}
    folder.mkdir()
    for split in splits:
        table = datasets.Dataset.from_dict(values, features=kinds)
        table.to_parquet(folder / f"{split}.parquet")
    return str(folder)


JPEG = encoded(Image.new("RGB", (4, 4), "red"), "jpeg")
CELLS = [{"bytes": JPEG, "path": None}] * 2


def test_a_hubs_columns_may_have_other_names_and_no_file_names(
    tmp_path: Path, datasets: Any
) -> None:
    kinds = datasets.ClassLabel(num_classes=3), datasets.Value("int64")
    named = {"car": ([1, 2], kinds[0]), "id": ([7, 8], kinds[1])}
    cars = write(datasets, tmp_path / "cars", photo=(CELLS, datasets.Image()), **named)
    photos = load_photos(hub_id=cars)
    assert photos.labels.tolist() == [1, 2, 1, 2]
    assert photos.is_test.tolist() == [False, False, True, True]
    assert photos.names == ("0", "1", "2", "3")
    assert photos.read(3) == JPEG


@pytest.mark.parametrize(("stored", "labels"), [([1, 3], [0, 2]), ([0, 3], [0, 3])])
def test_a_hubs_plain_numbers_may_count_from_1(
    stored: list[int], labels: list[int], tmp_path: Path, datasets: Any
) -> None:
    whole = {"label": (stored, datasets.Value("int32")), "id": ([7, 8], datasets.Value("int64"))}
    cars = write(datasets, tmp_path / "cars", image=(CELLS, datasets.Image()), **whole)
    assert load_photos(hub_id=cars).labels.tolist() == labels * 2


def test_a_hubs_images_may_be_files_beside_the_table(tmp_path: Path, datasets: Any) -> None:
    for number, part in enumerate(("train", "train", "test")):
        for label in ("acura", "audi"):
            path = tmp_path / "cars" / part / label / f"{number}{label}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(Image.new("RGB", (number + 1, 1)), "png"))
    photos = load_photos(hub_id=str(tmp_path / "cars"))
    assert sorted(photos.labels.tolist()) == [0, 0, 0, 1, 1, 1]
    assert photos.names[-2:] == ("test/2acura.png", "test/2audi.png")
    assert photos.image(5).size == (3, 1)
    (tmp_path / "cars" / "test" / "audi" / "2audi.png").unlink()
    with pytest.raises(DataError, match="photo 5 has no file"):
        photos.image(5)


def test_a_hubs_data_set_of_another_kind_gives_one_clear_line(
    tmp_path: Path, datasets: Any
) -> None:
    image, whole = (CELLS, datasets.Image()), ([0, 1], datasets.Value("int64"))
    text = ([None, "a"], datasets.Value("string"))
    none = ([None, None], datasets.Image())
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("has no split test, only train", {"splits": ("train",), "image": image, "label": whole}),
        ("has no image column", {"image": text, "label": whole}),
        ("has no label column", {"image": image, "label": text}),
        ("several label columns (a, b), none called 'label'", {"i": image, "a": whole, "b": whole}),
        ("without a label", {"image": image, "label": ([None, 1], whole[1])}),
        ("without a label", {"image": image, "label": ([-1, 1], whole[1])}),
        ("photo 0 has no file", {"image": none, "label": whole}),
    ]
    for number, (says, columns) in enumerate(wrong):
        cars = write(datasets, tmp_path / str(number), **columns)
        assert cars in refused(says, hub_id=cars)


# ---- the real photos ----


@pytest.fixture(scope="module")
def real(data_dir: str) -> Photos:
    path = Path(data_dir) / "stanford_cars_64px.npz"
    if not path.is_file():
        pytest.skip(f"no real photos: {path} is missing")
    return load_photos(str(path))


def test_the_real_photos(real: Photos, data_dir: str) -> None:
    assert (len(real.labels), (~real.is_test).sum(), real.is_test.sum()) == (16185, 8144, 8041)
    np.testing.assert_array_equal(np.unique(real.labels), np.arange(196))
    for number in (0, 8143, 8144, 16184):
        assert (real.image(number).mode, real.image(number).size) == ("RGB", (64, 64))
    assert (real.names[0], real.names[8144]) == ("train/00001.jpg", "test/00001.jpg")
    devkit = Path(data_dir) / "stanford_cars_labels.csv"
    if devkit.is_file():
        with devkit.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert real.names == tuple(f"{row['split']}/{row['file']}" for row in rows)
        assert real.labels.tolist() == [int(row["class_1_to_196"]) - 1 for row in rows]


def test_the_real_duplicates(real: Photos) -> None:
    rows: dict[str, list[int]] = {}
    for number, content in enumerate(real.contents):
        rows.setdefault(content, []).append(number)
    pairs = [both for both in rows.values() if len(both) > 1]
    assert {len(both) for both in pairs} == {2}
    tested = Counter(int(real.is_test[both].sum()) for both in pairs)
    # in training 11, across the official split 19, in test 8; all but two differ in label
    assert tested == {0: 11, 1: 19, 2: 8}
    assert sum(len(set(real.labels[both])) == 1 for both in pairs) == 2
