"""Load the photos of Stanford Cars from a packed file, torchvision's folder layout or the
Hugging Face hub.

Photos stay encoded and are read one at a time, since the originals take 2 GB.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.datasets import ENVIRONMENT_VARIABLE, DataError, data_folder

if TYPE_CHECKING:
    from PIL import Image

OFFICIAL = (8144, 8041)
"""number of training and test photos in the whole data set"""
_PACKED = re.compile(r"stanford_cars_(\d+)px\.npz")
_TEST_LABELS = "cars_test_annos_withlabels.mat"


@dataclass(frozen=True)
class Photos:
    """Labelled photos, in the order of their source (official order: training, then test)."""

    labels: NDArray[np.int64]
    """classes, counted from 0; shape ``(n,)``"""
    is_test: NDArray[np.bool_]
    """True for official test photos; shape ``(n,)``"""
    contents: tuple[str, ...]
    """SHA-256 of each encoded file, in hex; equal for byte-identical photos"""
    names: tuple[str, ...]
    """official file names such as ``train/00001.jpg``; the row number if the source has none"""
    read: Callable[[int], bytes]
    """returns the encoded image file of a row; raises ``DataError`` if it no longer exists"""
    sha256: str
    """hash of contents, labels and official split, in order; part of a task's identity"""

    def image(self, number: int) -> Image.Image:
        """Decode the photo of a row, in RGB and in its original size.

        Raises:
            DataError: the file is not an image, or is damaged.
        """
        from PIL import Image

        encoded = self.read(number)
        try:
            with Image.open(io.BytesIO(encoded)) as picture:
                return picture.convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:  # exceptions of Pillow's decoders
            raise DataError(
                f"photo {self.names[number]} is not a readable image ({_line(error)})"
            ) from error


def load_photos(data_dir: str | None = None, hub_id: str | None = None) -> Photos:
    """Load the photos from ``data_dir``, the folder in ``UNTUNABLE_DATA``, or the hub.

    Each file is read once, to compute its hash.

    Args:
        data_dir: a packed ``.npz`` file, a folder in torchvision's ``StanfordCars`` layout (or
            its parent folder, with the name ``stanford_cars``), or a folder with packed
            ``stanford_cars_*px.npz`` files, of which the largest image size is read.
        hub_id: id of a data set on the Hugging Face hub with splits ``train`` and ``test``, a
            column of images and a column of labels.

    Raises:
        DataError: no source is set, both are, or the photos are missing or not as expected.
    """
    if data_dir and hub_id:
        raise DataError("task.data_dir and task.hub_id are both set; set only one of them")
    if hub_id:
        return _from_hub(hub_id)
    path = data_folder(data_dir)
    if path is None:
        raise DataError(
            "no Stanford Cars photos: the original download has been offline since 2023; set "
            "task.data_dir=FOLDER (torchvision's layout or a packed stanford_cars_*px.npz), "
            f"{ENVIRONMENT_VARIABLE}=FOLDER, or task.hub_id=ID (e.g. a Stanford Cars copy on "
            "the Hugging Face hub)"
        )
    if path.is_file():
        return _from_packed(path)
    if not path.is_dir():
        raise DataError(f"no such file or folder: {path}")
    for base in (path / "stanford_cars", path):
        # one part is enough: _from_folder then reports the missing ones
        if any((base / part).is_dir() for part in ("devkit", "cars_train", "cars_test")):
            return _from_folder(base)
    packed = {int(m[1]): file for file in path.iterdir() if (m := _PACKED.fullmatch(file.name))}
    if packed:
        return _from_packed(packed[max(packed)])
    raise DataError(
        f"no Stanford Cars photos in {path}: neither torchvision's layout (stanford_cars/devkit, "
        "cars_train, cars_test) nor a packed stanford_cars_*px.npz"
    )


def _photos(
    labels: NDArray[Any], is_test: NDArray[Any], names: Sequence[str], read: Callable[[int], bytes]
) -> Photos:
    contents = tuple(hashlib.sha256(read(number)).hexdigest() for number in range(len(labels)))
    digest = hashlib.sha256("".join(contents).encode())
    digest.update(np.ascontiguousarray(labels, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(is_test, dtype="?").tobytes())
    return Photos(
        labels.astype(np.int64),
        is_test.astype(np.bool_),
        contents,
        tuple(names),
        read,
        digest.hexdigest(),
    )


def _line(error: BaseException) -> str:
    """Return type and first line of the message of ``error``."""
    first = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


# ---- a packed file ----


def _from_packed(path: Path) -> Photos:
    arrays = _packed_arrays(path)
    blob, offsets, labels, is_test = (
        arrays[key] for key in ("blob", "offsets", "label", "is_test")
    )
    count = labels.size
    kinds = (blob.dtype == np.uint8, offsets.dtype.kind in "iu", labels.dtype.kind in "iu")
    shapes = (blob.ndim == 1, offsets.shape == (count + 1,), labels.shape == (count,))
    if not all(kinds + shapes) or is_test.dtype != np.bool_ or is_test.shape != (count,):
        found = ", ".join(f"{key} {value.dtype} {value.shape}" for key, value in arrays.items())
        raise DataError(
            f"{path}: expected blob uint8 (bytes,), offsets int64 (n + 1,), label int (n,) and "
            f"is_test bool (n,), found {found}"
        )
    offsets = offsets.astype(np.int64)
    if not count or offsets[0] != 0 or offsets[-1] != len(blob) or np.any(np.diff(offsets) <= 0):
        raise DataError(f"{path}: offsets do not cut {len(blob)} bytes into {count} photos")
    if labels.min() < 0:
        raise DataError(f"{path}: found label {labels.min()}, but classes count from 0")

    def read(number: int) -> bytes:
        return blob[offsets[number] : offsets[number + 1]].tobytes()

    names = [str(number) for number in range(count)]
    train, test = OFFICIAL
    if count == train + test and is_test[train:].all() and not is_test[:train].any():
        # complete and in the order of the devkit, which numbers files from 1 in each part
        names = [f"train/{number + 1:05d}.jpg" for number in range(train)]
        names += [f"test/{number + 1:05d}.jpg" for number in range(test)]
    return _photos(labels, is_test, names, read)


def _packed_arrays(path: Path) -> dict[str, NDArray[Any]]:
    wanted = ("blob", "offsets", "label", "is_test")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in wanted if key in stored.files}
    except (OSError, EOFError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} is not a readable npz file ({_line(error)})") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise DataError(f"{path} is truncated or damaged ({_line(error)})") from error
    if missing := [key for key in wanted if key not in arrays]:
        raise DataError(f"{path} has no arrays {', '.join(missing)}")
    return arrays


# ---- torchvision's folder layout ----


def _from_folder(base: Path) -> Photos:
    train, train_labels = _annotations(base / "devkit" / "cars_train_annos.mat")
    test, test_labels = _annotations(base / _TEST_LABELS)
    paths = [base / "cars_train" / name for name in train]
    paths += [base / "cars_test" / name for name in test]
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(
            f"{len(missing)} of {len(paths)} image files are missing, first {missing[0]}"
        )

    def read(number: int) -> bytes:
        try:
            return paths[number].read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {paths[number]} ({_line(error)})") from error

    labels = np.array(train_labels + test_labels)
    names = [f"train/{name}" for name in train] + [f"test/{name}" for name in test]
    return _photos(labels, np.arange(len(labels)) >= len(train), names, read)


def _annotations(path: Path) -> tuple[list[str], list[int]]:
    """Return file names and classes (counted from 0) from an annotation file of the devkit."""
    from scipy.io import loadmat

    if not path.is_file():
        hint = " (devkit/cars_test_annos.mat has no labels)" if path.name == _TEST_LABELS else ""
        raise DataError(f"no file {path}{hint}")
    try:
        rows = np.atleast_1d(loadmat(path, squeeze_me=True)["annotations"])
        names = [str(name) for name in rows["fname"]]
        has_labels = "class" in (rows.dtype.names or ())
        labels = [int(label) - 1 for label in rows["class"]] if has_labels else []
    except Exception as error:
        # loadmat may raise any exception on a damaged file
        raise DataError(f"{path} is not a readable file of the devkit ({_line(error)})") from error
    if not has_labels:
        raise DataError(f"{path} has no labels; the test labels are in {_TEST_LABELS}")
    if min(labels, default=0) < 0:
        raise DataError(f"{path}: found class {min(labels) + 1}, but the devkit counts from 1")
    return names, labels


# ---- the Hugging Face hub ----


def _from_hub(hub_id: str) -> Photos:
    try:
        import datasets
    except ImportError as error:
        raise DataError("task.hub_id needs a package: pip install datasets") from error
    try:
        splits = datasets.load_dataset(hub_id)
    except Exception as error:
        # the network stack, the hub and the file readers may raise any exception
        raise DataError(f"could not load task.hub_id={hub_id} ({_line(error)})") from error
    if missing := [split for split in ("train", "test") if split not in splits]:
        raise DataError(
            f"task.hub_id={hub_id} has no split {' or '.join(missing)}, only {', '.join(splits)}"
        )
    kinds = splits["train"].features
    image = _column(
        hub_id, "image", [k for k, kind in kinds.items() if isinstance(kind, datasets.Image)]
    )
    named = [k for k, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)]
    whole = [k for k, kind in kinds.items() if "int" in str(getattr(kind, "dtype", ""))]
    label = _column(hub_id, "label", named or whole)
    rows = datasets.concatenate_datasets([splits["train"], splits["test"]])
    labels = np.array(rows.select_columns([label])[:][label])
    if labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise DataError(f"task.hub_id={hub_id} has photos without a label in column {label!r}")
    if not named and labels.min() == 1:
        labels = labels - 1  # integers may be the devkit's, which count from 1
    files = rows.select_columns([image]).cast_column(image, datasets.Image(decode=False))

    def read(number: int) -> bytes:
        cell = files[int(number)][image]
        try:  # the encoded file or, if it is stored outside the table, its path
            return cell["bytes"] or Path(cell["path"]).read_bytes()
        except (OSError, TypeError) as error:
            raise DataError(
                f"task.hub_id={hub_id}: photo {number} has no file ({_line(error)})"
            ) from error

    is_test = np.arange(len(rows)) >= len(splits["train"])
    names = []
    for number, row in enumerate(files):
        path = (row[image] or {}).get("path")
        part = "test" if is_test[number] else "train"
        names.append(f"{part}/{Path(path).name}" if path else str(number))
    return _photos(labels, is_test, names, read)


def _column(hub_id: str, usual: str, names: Sequence[str]) -> str:
    """Return the only column of a kind or, if there are several, the one with the usual name."""
    if len(names) == 1:
        return names[0]
    if usual in names:
        return usual
    several = f"several {usual} columns ({', '.join(names)}), none called {usual!r}"
    raise DataError(f"task.hub_id={hub_id} has {several if names else f'no {usual} column'}")
