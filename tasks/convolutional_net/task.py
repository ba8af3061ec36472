"""A convolutional network on Fashion-MNIST; the fidelity is the share of the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities
from tasks.training.live import LiveTraining, check_switches, check_whole
from tasks.training.source import factory_of

EPOCHS = 27


class ConvolutionalNet(LiveTraining):
    """Live task: a network of three convolutional blocks, trained from scratch by SGD.

    The loss is the error rate on a fixed subset of the validation images or, after the last epoch,
    on all of them.
    """

    version = 1
    extra = "networks"

    def __init__(
        self,
        space: Mapping[str, Mapping[str, Any]],
        baseline_default: Config | None = None,
        data_dir: str | None = None,
        train_rows: int = 10000,
        subset_rows: int = 5000,
        resume_training: bool = False,
        checkpoint_dir: str | None = None,
        training_seeds: int = 10,
        time_limit: float = 7200.0,
    ) -> None:
        """Start the worker process, which loads the images.

        Args:
            space: spec of the search space, see ``Space.spec``.
            baseline_default: the untuned config that gains are measured against.
            data_dir: folder with ``fashion_mnist.npz``; None downloads it.
            train_rows: number of training images, a fixed stratified sample; at most 50,000.
            subset_rows: number of validation images scored after each epoch; at most 10,000.
            resume_training: continue a config from its checkpoint and charge only the added units.
            checkpoint_dir: as in ``LiveTraining``.
            training_seeds: as in ``LiveTraining``.
            time_limit: as in ``LiveTraining``.

        Raises:
            ValueError: an option is out of range, or torch is not installed.
            tasks.datasets.DataError: the data set is not available.
        """
        check_whole({"train_rows": train_rows, "subset_rows": subset_rows})
        check_switches({"resume_training": resume_training})
        options = {
            "data_dir": data_dir,
            "units": EPOCHS,
            "train_rows": train_rows,
            "subset_rows": subset_rows,
        }
        super().__init__(
            "tasks.convolutional_net.worker",
            options,
            Space.from_spec(space),
            Fidelities(
                values=tuple(epoch / EPOCHS for epoch in range(1, EPOCHS + 1)),
                full=EPOCHS,
                unit="epochs",
                resumable=resume_training,
            ),
            units=EPOCHS,
            baselines={"default": baseline_default},
            checkpoint_dir=checkpoint_dir,
            training_seeds=training_seeds,
            time_limit=time_limit,
        )
        facts = self._facts()
        self._identity = {
            "data": facts.pop("data"),
            "train_rows": train_rows,
            "subset_rows": subset_rows,
            "epochs": EPOCHS,
        }
        self.sizes = facts
        self.loss_floor = 0.5 / facts["validation images"]


cnn_fashion = factory_of(ConvolutionalNet, ("train_rows", "subset_rows"))
"""builds the task ``cnn_fashion``: the replay of its table, or ``ConvolutionalNet``"""
