"""Stanford Cars, the case study of "Tuning the Untunable" (GTC 2019, S9313).

The fidelity is the share of the epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Config, Space, check_choice
from benchmarks.core.trial import Fidelities
from tasks.subprocess_worker import WorkerFailureError, WorkerTimeoutError
from tasks.training.live import LiveTraining, check_switches, check_whole

TRAINS = ("head", "all")
PROTOCOLS = ("official", "talk")
PRECISIONS = ("float32", "bfloat16")
FIDELITIES = ("epochs", "multitask")
MULTITASK = {4: 0.1, 18: 0.5, 35: 1.0}
"""epochs of the talk's three tasks -> cost that it states (true shares: 0.114, 0.514, 1)"""


class Predictions(NamedTuple):
    """Predicted classes of the test photos; arrays of equal length, classes counted from 0."""

    rows: NDArray[np.int64]
    """row numbers of the photos in their source"""
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]


class Cars(LiveTraining):
    """Live task: a ResNet (or another backbone) with a linear head, trained by SGD on photos.

    The loss is the validation error rate after the last epoch; a unit of training is an epoch.
    """

    version = 2
    extra = "cars"

    def __init__(
        self,
        backbone: str,
        train: str,
        space: Mapping[str, Mapping[str, Any]],
        baseline: Config | None = None,
        baseline_default: Config | None = None,
        fidelity: str = "epochs",
        epochs: int = 35,
        protocol: str = "official",
        data_dir: str | None = None,
        hub_id: str | None = None,
        features: str | None = None,
        weights: str = "auto",
        image_size: int = 224,
        train_share: float = 1.0,
        cache_features: bool = True,
        resume_training: bool = False,
        checkpoint_dir: str | None = None,
        device: str = "auto",
        precision: str = "float32",
        test_each_epoch: bool = True,
        training_seeds: int = 10,
        time_limit: float = 86400.0,
    ) -> None:
        """Start the worker process, which loads photos and network.

        Args:
            backbone: one of ``tasks.cars.networks.BACKBONES``.
            train: ``head`` trains the last layer on a frozen backbone (the talk's scenario 1),
                ``all`` trains all layers (scenario 2).
            space: spec of the search space, see ``Space.spec``.
            baseline: the talk's untuned config, which gains are measured against.
            baseline_default: a second untuned config: the defaults of the framework's training
                script.
            fidelity: ``epochs`` offers every number of epochs, ``multitask`` the talk's 4, 18 and
                35.
            epochs: number of epochs at the target fidelity.
            protocol: ``official`` validates on a fixed fifth of the official training photos, and
                uses the official test photos only for the test. ``talk`` validates on a fifth of
                all photos, drawn for each training seed, with the random crops of the training
                (impossible with cached features), and has no test photos.
            data_dir: folder or file with the photos; see ``tasks.cars.photos``.
            hub_id: id of a data set on the Hugging Face hub, instead of ``data_dir``.
            features: features of the photos, for ``train=head``: a file; ``auto`` for
                ``stanford_cars_<backbone>_features.npz`` in the data folder if it exists; or None
                to compute them from the photos.
            weights: initial weights of the backbone: ``imagenet``, ``random``, a path, or ``auto``
                (ImageNet's at 224 pixels, random at any other size). See ``tasks.cars.networks``.
            image_size: side of the photos, in pixels.
            train_share: share of the training photos of each class to use, in (0, 1]; validation
                and test photos do not change.
            cache_features: compute a frozen backbone's features once and do not charge them; if
                False, each epoch computes them and is charged for it, as in the talk.
            resume_training: continue a config from its checkpoint and charge only the added epochs.
            checkpoint_dir: as in ``LiveTraining``.
            device: ``auto``, ``cpu`` or ``cuda``.
            precision: ``float32``, or ``bfloat16`` for mixed precision.
            test_each_epoch: when recording, score the test photos after each epoch, not only the
                last.
            training_seeds: as in ``LiveTraining``.
            time_limit: as in ``LiveTraining``.

        Raises:
            ValueError: an option is out of range, or torch is not installed.
            tasks.datasets.DataError: photos, features or weights are not available.
        """
        check_choice("task.train", train, TRAINS)
        check_choice("task.protocol", protocol, PROTOCOLS)
        check_choice("task.precision", precision, PRECISIONS)
        check_choice("task.fidelity", fidelity, FIDELITIES)
        check_whole({"epochs": epochs, "image_size": image_size})
        check_switches({
            "cache_features": cache_features,
            "resume_training": resume_training,
            "test_each_epoch": test_each_epoch,
        })  # fmt: skip
        if not 0 < train_share <= 1:
            raise ValueError(f"task.train_share={train_share}: allowed is (0, 1]")
        if not isinstance(weights, str):
            raise ValueError(f"task.weights={weights}: allowed are auto, imagenet, random, a path")
        if fidelity == "multitask" and epochs != max(MULTITASK):
            raise ValueError(
                f"task.epochs={epochs}: task.fidelity=multitask needs {max(MULTITASK)}"
            )
        counted = tuple(MULTITASK) if fidelity == "multitask" else tuple(range(1, epochs + 1))
        super().__init__(
            "tasks.cars.worker",
            {
                "backbone": backbone,
                "train": train,
                "protocol": protocol,
                "data_dir": data_dir,
                "hub_id": hub_id,
                "features": features,
                "weights": weights,
                "image_size": image_size,
                "train_share": train_share,
                "cache_features": cache_features,
                "device": device,
                "precision": precision,
                "epochs": epochs,
            },
            Space.from_spec(space),
            Fidelities(
                values=tuple(epoch / epochs for epoch in counted),
                full=epochs,
                unit="epochs",
                resumable=resume_training,
                nominal=tuple(MULTITASK.values()) if fidelity == "multitask" else None,
            ),
            units=epochs,
            baselines={"talk": baseline, "default": baseline_default},
            checkpoint_dir=checkpoint_dir,
            training_seeds=training_seeds,
            time_limit=time_limit,
            every_test=test_each_epoch,
        )
        self.baseline = baseline
        facts = self._facts()
        feature_seconds = facts.pop("feature_seconds")
        if feature_seconds is not None:  # not charged; reported in the first trial
            self._said_once = {"feature_seconds": feature_seconds}
        trained_on = {name: facts.pop(name) for name in ("data", "weights", "device")}
        self.sizes = facts
        self.loss_floor = 0.5 / facts["validation photos"]
        if trained_on["weights"] == "random":
            self.caption = f"a stand-in: weights not pretrained, {image_size} pixels"
        elif train_share != 1:
            self.caption = (
                f"a stand-in: photos of {image_size} pixels, "
                f"a share of {train_share:g} of the training photos"
            )
        self._identity = {
            **trained_on,
            "backbone": backbone,
            "train": train,
            "protocol": protocol,
            "image_size": image_size,
            "cache_features": cache_features,
            "precision": precision,
            "epochs": epochs,
            # left out at its default: recordings from before this option do not have the key
            **({} if train_share == 1 else {"train_share": train_share}),
        }

    def predictions(self, config: Config, seed: int) -> Predictions:
        """Train a config in full with a training seed and predict the test photos; not charged.

        Raises:
            ValueError: the config is outside the space, or its training failed or timed out.
        """
        self.space.check(config)
        plain = self.space.from_numbers(self.space.numbers(config))
        try:
            return Predictions(**self._worker.call("predict", plain, seed, limit=self._limit))
        except (WorkerFailureError, WorkerTimeoutError) as error:
            raise ValueError(f"no predictions of {plain}: {error}") from error
