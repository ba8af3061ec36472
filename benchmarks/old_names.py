"""Names of classes in YAMLs of version 0.1, and their present names."""

from __future__ import annotations

from collections.abc import Mapping

OLD_NAMES: Mapping[str, str] = {
    "methods.asha.ASHA": "methods.ASHA",
    "methods.emukit_entropy.EmukitES": "methods.EmukitES",
    "methods.emukit_entropy.EmukitMES": "methods.EmukitMES",
    "methods.emukit_fabolas.EmukitFabolas": "methods.EmukitFabolas",
    "methods.entropy_search.EntropySearch": "methods.EntropySearch",
    "methods.expected_improvement.ExpectedImprovement": "methods.ExpectedImprovement",
    "methods.expected_improvement_gpy.GPyEI": "methods.GPyEI",
    "methods.fabolas.Fabolas": "methods.Fabolas",
    "methods.hyperband.Hyperband": "methods.Hyperband",
    "methods.mtbo.MTBO": "methods.MTBO",
    "methods.multitask.Multitask": "methods.Multitask",
    "methods.random_search.RandomSearch": "methods.RandomSearch",
    "methods.sigopt.SigOpt": "methods.SigOpt",
    "tasks.cars.Cars": "tasks.Cars",
    "tasks.cars_task.cars_task": "tasks.cars_task",
    "tasks.curves.RecordedCurves": "tasks.RecordedCurves",
    "tasks.recorded.RecordedTask": "tasks.RecordedTask",
    "tasks.svm.SVM": "tasks.SVM",
    "tasks.svm.svm_task": "tasks.svm_task",
    "tasks.synthetic.Synthetic": "tasks.Synthetic",
}
