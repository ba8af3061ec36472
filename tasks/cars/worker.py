"""Worker process of ``Cars``: hold the data, train one config at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tasks.cars import inputs as inputs
from tasks.cars.networks import PIXELS, Backbone, frozen, load_backbone, with_head
from tasks.cars.photos import load_photos
from tasks.cars.splits import Split, split_photos, with_fewer
from tasks.cars.training import CarsTraining, Problem
from tasks.datasets import DataError, data_folder
from tasks.training.worker import Worker, set_deterministic

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Options:
    """Options of the training, as in the constructor of ``Cars``."""

    backbone: str
    train: str
    protocol: str
    data_dir: str | None
    hub_id: str | None
    features: str | None
    weights: str
    image_size: int
    train_share: float
    cache_features: bool
    device: str
    precision: str
    checkpoint_dir: str | None
    """None saves no checkpoints"""
    epochs: int
    """number of epochs at the target fidelity"""


def build(options: Options) -> Callable[..., Any]:
    """Load everything and return the function that serves requests; runs in the worker process.

    Raises:
        DataError: photos, features, weights or device are not available.
    """
    set_deterministic()
    return _Worker(options).answer


class _Worker(Worker):
    def __init__(self, options: Options) -> None:
        self._options = options
        self._device = _device(options.device)
        self._backbone: Backbone | None = None
        self._feature_seconds: float | None = None
        packed = _packed_features(options)
        if packed is not None:
            labels, is_test, contents = packed.labels, packed.is_test, packed.contents
            self._data, self._weights = f"features {packed.sha256}", "those of the features"
            self._inputs: inputs.Features | inputs.Pixels
            self._inputs = inputs.Features(packed.features, self._device)
            self._width, self._head_only = packed.features.shape[1], True
        else:
            if (
                options.train == "head"
                and options.weights == "auto"
                and options.image_size != PIXELS
            ):
                raise DataError(
                    f"task.image_size={options.image_size}: ImageNet weights are for {PIXELS}; "
                    "choose task.weights=imagenet or random"
                )
            photos = load_photos(options.data_dir, options.hub_id)
            labels, is_test, contents = photos.labels, photos.is_test, list(photos.contents)
            self._backbone = load_backbone(options.backbone, options.weights, options.image_size)
            self._data, self._weights = f"photos {photos.sha256}", self._backbone.weights
            self._width = self._backbone.width
            self._head_only = options.train == "head" and options.cache_features
            size = options.image_size
            if self._head_only:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(0)  # fixes random weights of a backbone
                    computed = inputs.computed_features(photos, self._backbone, size, self._device)
                self._inputs = inputs.Features(computed.features, self._device)
                self._feature_seconds = computed.seconds
            else:
                self._inputs = inputs.Pixels(photos, size, self._backbone, self._device)
        self._rows, self._is_test, self._contents = labels, is_test, contents
        names = ("backbone", "train", "protocol", "image_size", "cache_features", "precision")
        trained = [*(getattr(options, name) for name in names), self._data, self._weights]
        if options.train_share != 1:
            trained.append(options.train_share)
        super().__init__(options.epochs, options.checkpoint_dir, trained, self._device)
        self._labels = torch.tensor(labels, device=self._device)
        self._classes = int(labels.max()) + 1

    def facts(self) -> dict[str, Any]:
        """Return the description of the task: data, weights, device and sizes."""
        split = self._split(0)
        if not len(split.train) or not len(split.validation):
            raise DataError(
                f"{len(split.train)} training and {len(split.validation)} validation photos: "
                "too few per class to split"
            )
        return {
            "data": self._data,
            "weights": self._weights,
            "device": self._device.type,
            "feature_seconds": self._feature_seconds,
            "training photos": len(split.train),
            "validation photos": len(split.validation),
            "test photos": len(split.test),
            "classes": self._classes,
        }

    def requests(self) -> Mapping[str, Callable[..., Any]]:
        return {**super().requests(), "predict": self.predict}

    def start(
        self, config: Mapping[str, Any], seed: int, between: Callable[[], object] | None
    ) -> CarsTraining:
        return CarsTraining(self._problem(self._split(seed)), config, seed, between)

    def predict(self, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Train a config in full and return the fields of ``Predictions``."""
        training = self.start(config, seed, None)
        training.advance(self._options.epochs)
        rows = self._split(seed).test
        return {
            "rows": rows,
            "labels": self._rows[rows],
            "predicted": training.predictions(rows),
        }

    def _problem(self, split: Split) -> Problem:
        options = self._options
        return Problem(
            self._inputs,
            self._labels,
            split.train,
            split.validation,
            split.test,
            self._network,
            self._device,
            options.precision,
            augmented_validation=options.protocol == "talk",
        )

    def _network(self) -> nn.Module:
        if self._head_only or self._backbone is None:
            return nn.Linear(self._width, self._classes)
        backbone = self._backbone.build()
        if self._options.train == "head":
            backbone = frozen(backbone)
        network = with_head(backbone, self._width, self._classes)
        # on a CPU, channels last is 1.5 times faster than channels first
        return network.to(memory_format=torch.channels_last)

    def _split(self, seed: int) -> Split:
        """Return the split: one per training seed in the talk's protocol, else always the same."""
        protocol = self._options.protocol
        seed = seed if protocol == "talk" else 0
        split = split_photos(self._rows, self._is_test, self._contents, protocol, seed)
        share = self._options.train_share
        return split if share == 1 else with_fewer(split, self._rows, share)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise DataError("task.device=cuda: torch finds no GPU; set task.device=cpu")
    return torch.device(name)


def _packed_features(options: Options) -> inputs.Packed | None:
    """Read the features from the file or the data folder; None if they must be computed."""
    if options.features is None:
        return None
    fitting = options.train == "head" and options.cache_features and options.protocol == "official"
    if options.features != "auto":
        if not fitting:
            raise DataError(
                f"task.features={options.features}: needs task.train=head, "
                "task.cache_features=true and task.protocol=official"
            )
        return inputs.read_features(Path(options.features).expanduser())
    made_alike = options.image_size == PIXELS and options.weights in ("auto", "imagenet")
    folder = None if options.hub_id else data_folder(options.data_dir)
    if folder is None or not fitting or not made_alike:
        return None
    path = folder / f"stanford_cars_{options.backbone}_features.npz"
    return inputs.read_features(path) if path.is_file() else None
