"""Stanford Cars, the case study of "Tuning the Untunable" (GTC 2019, S9313); fidelity: epochs."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.protocols import Task
from benchmarks.core.space import Config, Space, check_choice
from benchmarks.core.trial import Fidelities, Observation
from tasks.child import Child, ChildFailureError, ChildTimeoutError
from tasks.data import DataError

TRAINS = ("head", "all")
PROTOCOLS = ("official", "talk")
PRECISIONS = ("float32", "bfloat16")
FIDELITIES = ("epochs", "multitask")
MULTITASK = {4: 0.1, 18: 0.5, 35: 1.0}
"""epochs of the talk's three tasks, and what it says they cost (true shares: 0.114, 0.514, 1)"""


class Predictions(NamedTuple):
    """What a network takes the test photos for; arrays of one length, classes counted from 0."""

    rows: NDArray[np.int64]
    """of the photos in their source"""
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]


class Cars(Task):
    """Live task: a ResNet (or another backbone) with a linear head, trained by SGD on photos.

    Loss is the validation error after the last epoch; cost the seconds of training and of
    validating after each epoch (CPU seconds of one thread, or wall seconds of a GPU). The test
    photos are scored with the same network and never charged.
    """

    version = 1
    reproducible = False

    def __init__(
        self,
        backbone: str,
        train: str,
        space: Mapping[str, Mapping[str, Any]],
        baseline: Config | None = None,
        fidelity: str = "epochs",
        epochs: int = 35,
        protocol: str = "official",
        data_dir: str | None = None,
        hub_id: str | None = None,
        features: str | None = None,
        weights: str = "auto",
        image_size: int = 224,
        cache_features: bool = True,
        resume_training: bool = False,
        checkpoint_dir: str | None = None,
        device: str = "auto",
        precision: str = "float32",
        training_seeds: int = 10,
        time_limit: float = 86400.0,
    ) -> None:
        """Start the process that trains, and let it load photos and network.

        Args:
            backbone: a name of ``tasks.cars_networks``.
            train: ``head``, the last layer on a frozen backbone (the talk's scenario 1), or
                ``all`` layers (scenario 2).
            space: the hyperparameters, as ``Space.describe`` gives them.
            baseline: the untuned config that a gain is measured against.
            fidelity: ``epochs``, any number of them, or ``multitask``, the talk's 4, 18 and 35.
            epochs: of the target.
            protocol: ``official``: validation is a fixed fifth of the official training photos,
                the official test photos only test; ``talk``: a fifth of all, anew for each
                training seed, cut at random as in training (cached features cannot be), no test
                photos.
            data_dir: folder or file with the photos; see ``tasks.cars_photos``.
            hub_id: of a data set on the Hugging Face hub, instead.
            features: features of the photos, for ``train=head``: a file, ``auto`` for
                ``stanford_cars_<backbone>_features.npz`` of the data folder if it is there, or None
                to compute them from the photos.
            weights: of the backbone: ``imagenet``, ``random``, a path, or ``auto``: ImageNet's at
                224 pixels, random ones at any other size. See ``tasks.cars_networks``.
            image_size: side of the photos, in pixels.
            cache_features: compute a frozen backbone's features once and do not charge them; if
                not, every epoch computes and is charged them, as in the talk.
            resume_training: continue a config from its checkpoint, charging the difference.
            checkpoint_dir: where checkpoints are kept; None for a temporary folder, with which a
                run that is killed and resumed pays for what it continues anew.
            device: ``auto``, ``cpu`` or ``cuda``.
            precision: ``float32``, or ``bfloat16`` for mixed precision.
            training_seeds: an evaluation draws its training seed from 0 .. training_seeds - 1.
            time_limit: wall seconds after which an evaluation is killed: status ``timeout``,
                charged at the limit.

        Raises:
            ValueError: an option outside what is allowed, or torch is not installed.
            tasks.data.DataError: photos, features or weights cannot be had.
        """
        check_choice("task.train", train, TRAINS)
        check_choice("task.protocol", protocol, PROTOCOLS)
        check_choice("task.precision", precision, PRECISIONS)
        check_choice("task.fidelity", fidelity, FIDELITIES)
        counts = {"epochs": epochs, "image_size": image_size, "training_seeds": training_seeds}
        for name, number in counts.items():
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise ValueError(f"task.{name}={number}: must be a whole number, 1 or more")
        switches = {"cache_features": cache_features, "resume_training": resume_training}
        for name, switch in switches.items():
            if not isinstance(switch, bool):
                raise ValueError(f"task.{name}={switch}: allowed are true, false")
        if not isinstance(weights, str):
            raise ValueError(f"task.weights={weights}: allowed are auto, imagenet, random, a path")
        if not time_limit > 0:
            raise ValueError(f"task.time_limit={time_limit}: must be positive")
        if fidelity == "multitask" and epochs != max(MULTITASK):
            raise ValueError(f"task.epochs={epochs}: task.fidelity=multitask has {max(MULTITASK)}")
        self.space = Space.described(space)
        self.baseline = baseline
        if baseline is not None:
            self.space.check(baseline)
        counted = tuple(MULTITASK) if fidelity == "multitask" else tuple(range(1, epochs + 1))
        self.fidelities = Fidelities(
            values=tuple(epoch / epochs for epoch in counted),
            full=epochs,
            unit="epochs",
            resumable=resume_training,
            nominal=tuple(MULTITASK.values()) if fidelity == "multitask" else None,
        )
        self._seeds, self._limit = training_seeds, time_limit
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if resume_training and checkpoint_dir is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="untunable-checkpoints-")
            checkpoint_dir = self._scratch.name
        self._child = Child(
            _build,
            {
                "backbone": backbone,
                "train": train,
                "protocol": protocol,
                "data_dir": data_dir,
                "hub_id": hub_id,
                "features": features,
                "weights": weights,
                "image_size": image_size,
                "cache_features": cache_features,
                "device": device,
                "precision": precision,
                "checkpoint_dir": checkpoint_dir if resume_training else None,
                "epochs": epochs,
            },
        )
        facts = self._facts()
        self._feature_seconds = facts.pop("feature_seconds")
        trained_on = {name: facts.pop(name) for name in ("data", "weights", "device")}
        self.sizes = facts
        self.loss_floor = 0.5 / facts["validation photos"]
        if trained_on["weights"] == "random":
            self.caption = f"a stand-in: weights not pretrained, {image_size} pixels"
        self._identity = {
            **trained_on,
            "backbone": backbone,
            "train": train,
            "protocol": protocol,
            "image_size": image_size,
            "cache_features": cache_features,
            "precision": precision,
            "epochs": epochs,
        }

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._identity

    def evaluate(self, config: Config, fidelity: float, rng: np.random.Generator) -> Observation:
        self._check(config, fidelity)
        return self._train(config, 0.0, fidelity, int(rng.integers(self._seeds)))

    def resume(
        self, config: Config, trained: float, fidelity: float, rng: np.random.Generator
    ) -> Observation:
        self._check(config, fidelity)
        return self._train(config, trained, fidelity, int(rng.integers(self._seeds)))

    def evaluate_subset(
        self,
        config: Config,
        fidelity: float,
        subset_seed: int,
        pause: Callable[[], bool] | None = None,
    ) -> Observation:
        """Evaluate with a chosen training seed; what the recorder walks.

        ``info["curve"]`` has, after each epoch, ``loss``, ``test_loss`` and ``cost``.
        """
        self._check(config, fidelity)
        return self._train(config, 0.0, fidelity, subset_seed, pause, whole_curve=True)

    def predictions(self, config: Config, seed: int) -> Predictions:
        """Train a config in full with a training seed and predict the test photos; not charged.

        Raises:
            ValueError: the config is outside the space, or its training failed or took too long.
        """
        self.space.check(config)
        plain = self.space.from_numbers(self.space.numbers(config))
        try:
            return Predictions(**self._child.call("predict", plain, seed, limit=self._limit))
        except (ChildFailureError, ChildTimeoutError) as error:
            raise ValueError(f"no predictions of {plain}: {error}") from error

    def close(self) -> None:
        self._child.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _check(self, config: Config, fidelity: float) -> None:
        self.space.check(config)
        self.fidelities.check(fidelity)

    def _train(
        self,
        config: Config,
        trained: float,
        fidelity: float,
        seed: int,
        pause: Callable[[], bool] | None = None,
        whole_curve: bool = False,
    ) -> Observation:
        epochs, before = (round(s * self.fidelities.full) for s in (fidelity, trained))
        plain = self.space.from_numbers(self.space.numbers(config))  # whatever a method's types are
        request = ("train", plain, before, epochs, seed, whole_curve)
        info: dict[str, Any] = {"training_seed": seed}
        if self._feature_seconds is not None:  # not charged; said once
            info["feature_seconds"], self._feature_seconds = self._feature_seconds, None
        started = time.monotonic()
        try:
            result = self._child.call(*request, limit=self._limit, pause=pause)
        except ChildTimeoutError as error:
            return Observation(
                math.nan, self._limit, "timeout", None, {**info, "error": str(error)}
            )
        except ChildFailureError as error:
            spent = time.monotonic() - started
            return Observation(math.nan, spent, "failed", None, {**info, "error": str(error)})
        info["wall"] = time.monotonic() - started - self._child.paused
        if self.fidelities.resumable:
            info |= {"restart_cost": result["restart_cost"], "continued_from": result["began"]}
            if result.get("checkpoint_error"):
                info["checkpoint_error"] = result["checkpoint_error"]
        curve = result["curve"]
        if whole_curve:
            info["curve"] = curve
        if result["error"] is not None:
            info["error"] = result["error"]
            return Observation(math.nan, result["cost"], "diverged", None, info)
        return Observation(curve["loss"][-1], result["cost"], "ok", curve["test_loss"][-1], info)

    def _facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = self._child.call("facts", limit=math.inf)
        except ChildFailureError as error:
            self.close()
            kind, _, message = " ".join(str(error).split()).partition(": ")
            if kind == "DataError":
                raise DataError(message) from None
            if kind == "ModuleNotFoundError":
                raise ValueError(f"{message}: pip install -e '.[cars]'") from None
            raise ValueError(f"the process that trains did not start ({kind}: {message})") from None
        return facts


def _build(options: Mapping[str, Any]) -> Callable[..., Any]:
    """Run in the child, which alone imports torch."""
    from tasks import cars_worker

    return cars_worker.build(cars_worker.Options(**options))
