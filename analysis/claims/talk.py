"""The claims of the talk "Tuning the Untunable" (SigOpt, GTC 2019, S9313), and how each is judged.

The list is data: which slide, what it says, which studies, methods and tasks measure it here.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Comparison:
    """Costs to a target of a method and a reference method, on tasks of a study."""

    study: str
    method: str
    reference: str
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """A claim of the talk."""

    name: str
    slide: str
    text: str
    measure: str
    """what is measured here, in words"""
    number: str
    """the same in a few words, for a table"""
    at_most: float | None = None
    """the ratio of costs that the claim amounts to; None for claims of other kinds"""
    comparisons: tuple[Comparison, ...] = field(default=())


SVM = ("svm_mnist", "svm_covertype")
CARS = ("cars_head",)
RATIO = (
    "cost to the lowest target that half of the runs of both methods reach, and to one ten times "
    "as coarse, over that of {}"
)

MULTITASK = Claim(
    "multitask", "13", "multitask tunes in 30 % less time",
    RATIO.format("expected improvement"), "cost ratio", 0.7,
    (
        Comparison("svm_paper", "mtbo", "ei", SVM),
        Comparison("svm_paper", "mtbo_32", "ei", SVM),
        Comparison("svm_paper", "mtbo_512", "ei", SVM),
        Comparison("cars_talk", "mtbo_talk", "ei", CARS),
    ),
)  # fmt: skip
EARLY_STOPPING = Claim(
    "early stopping", "13", "early stopping tunes in 30 % less time",
    RATIO.format("random search"), "cost ratio", 0.7,
    (
        Comparison("svm_paper", "hyperband", "random", SVM),
        Comparison("cars_talk", "hyperband", "random", CARS),
    ),
)  # fmt: skip
BAYESIAN = Claim(
    "Bayesian", "13", "Bayesian optimisation needs a tenth of the trainings of random search",
    RATIO.format("random search"), "cost ratio", 0.1,
    (
        Comparison("svm_paper", "ei", "random", SVM),
        Comparison("cars_talk", "ei", "random", CARS),
    ),
)  # fmt: skip
FABOLAS = Claim(
    "Fabolas", "22", "Fabolas is 10 to 100 times faster than standard Bayesian optimisation",
    RATIO.format("expected improvement"), "cost ratio", 0.1,
    (
        Comparison("svm_paper", "fabolas", "ei", SVM),
        Comparison("svm_paper", "fabolas_paper", "ei", SVM),
    ),
)  # fmt: skip
WORK = Claim(
    "58 times", "33", "parallel multitask needs 1.7 % of the cost of random search: 58 times less",
    RATIO.format("random search") + ", twenty workers", "cost ratio", 220 / 12920,
    (Comparison("talk_parallel", "multitask", "random", CARS),),
)  # fmt: skip
RATIOS = (MULTITASK, EARLY_STOPPING, BAYESIAN, FABOLAS, WORK)

WIDTH = Claim(
    "width", "13, 32", "the speed-up is mostly proportional to the number of workers",
    "how many times sooner 220 trials end on 20 workers than on one, over 20",
    "share of a proportional speed-up",
)  # fmt: skip
CONVERGES = Claim(
    "converges", "15", "Hyperband converges to random search",
    "K of Hyperband over K of random search, delivered, at 1, 3, 10 and 20 trainings",
    "ratio of K",
)  # fmt: skip
BIAS = Claim(
    "bias", "18", "low-cost tasks are biased",
    "regret at the target of the config that is best at the lowest fidelity, over the error of the "
    "replay",
    "regret over the replay's error",
)  # fmt: skip
FEWER = Claim(
    "58 times, by K", "33", "220 trainings by multitask are worth 12,920 by random search",
    "K over the trainings spent, delivered, twenty workers",
    "random trainings worth one of the search",
)  # fmt: skip
MULTIPLY = Claim(
    "multiply", "6", "speed-ups by parallel workers and by a better method multiply",
    "cost ratio to random search with 20 workers, over that with one worker",
    "ratio of cost ratios",
)  # fmt: skip
WHOLE_NET = Claim(
    "whole net", "28", "tuning gains more where the whole network is fine-tuned",
    "gain of test accuracy over the untuned config, fine-tuned against last layer",
    "",
)  # fmt: skip
COMPLEXITY = Claim(
    "complexity", "34", "the impact of tuning grows with the complexity of the model",
    "gain of test loss over the untuned config, by task",
    "",
)  # fmt: skip
UNMEASURED = (WHOLE_NET, COMPLEXITY)
"""claims whose tasks are not recorded yet"""
