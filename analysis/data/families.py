"""Families and clusters of tasks: what results may be generalised over.

Many tasks of one family say little more than one of them, above all the instances of one surrogate.
So results are averaged within families, then over families with equal weight. Tasks that share data
or recordings form a cluster, which counts as one task.
"""

from __future__ import annotations

FAMILIES = (
    ("SVMs", ("svm_",)),
    ("own networks and trees", ("cars_", "resnet", "lm_", "cnn_", "gbm_")),
    ("LCBench", ("lcbench",)),
    ("decision trees", ("rbv2_rpart",)),
    ("synthetic", ("branin", "hartmann", "mf_hartmann")),
)
"""names of the families, and how the names of their tasks begin"""
CLUSTERS = (
    ("covertype", ("svm_covertype", "gbm_covertype")),
    ("cars", ("cars_", "resnet")),
    ("vehicle", ("svm_vehicle",)),
    ("branin", ("branin",)),
    ("hartmann", ("hartmann", "mf_hartmann")),
)
"""names of the clusters of several tasks, and how the names of their tasks begin"""


def family_of(task: str) -> str:
    """Return the family of a task; a task of a user is a family of its own."""
    return _named(task, FAMILIES)


def cluster_of(task: str) -> str:
    """Return the cluster of a task; most tasks are one of their own."""
    return _named(task, CLUSTERS)


def _named(task: str, groups: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return next((name for name, starts in groups if task.startswith(starts)), task)
