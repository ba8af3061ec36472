from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.compose import compose
from benchmarks.core.space import Categorical, Float, Space
from benchmarks.provenance import ROOT
from benchmarks.recorder.design import Evaluation, expand
from tasks.svm import SPACE as SVM_SPACE

SPACE = Space({"x": Float(0, 1), "y": Float(-5, 5)})


def stage(**facts: Any) -> dict[str, Any]:
    return {"fidelities": [1], "configs": [[0.5, 1]], **facts}


def sobol(**facts: Any) -> dict[str, Any]:
    return {"fidelities": [1], "sobol": facts}


def test_stages_in_order_and_within_one_the_cheapest_fidelity_first_then_the_seeds() -> None:
    first = stage(fidelities=[1, "1/512", 0.25], subset_seeds=2, configs=[[0, 1], [1, 2]])
    design = expand([first, stage(subset_seeds=[5])], SPACE)
    assert [(e.fidelity, e.subset_seed, e.config["x"]) for e in design] == [
        *[(s, r, x) for s in (1 / 512, 0.25, 1.0) for r in (0, 1) for x in (0, 1)],
        (1.0, 5, 0.5),
    ]


def test_repeats_are_dropped_whatever_the_order_of_names() -> None:
    grid = {"fidelities": [1], "grid": {"y": [1], "x": [0.5]}}
    assert expand([stage(), grid], SPACE) == [Evaluation({"x": 0.5, "y": 1}, 1.0, 0, False)]


def test_a_grid_is_all_combinations() -> None:
    design = expand([{"fidelities": [1], "grid": {"x": [0, 1], "y": [-5, 0, 5]}}], SPACE)
    assert {(e.config["x"], e.config["y"]) for e in design} == {
        (x, y) for x in (0, 1) for y in (-5, 0, 5)
    }


def test_held_out_evaluations_are_marked() -> None:
    held = stage(configs=[[0.1, 0]], held_out=True)
    assert [e.held_out for e in expand([stage(), held], SPACE)] == [False, True]


def test_sobol_configs_are_reproducible_spread_and_of_any_space() -> None:
    space = Space({**SPACE.parameters, "kind": Categorical(("a", "b"))})
    stages = [{"fidelities": [1], "sobol": {"count": 16, "seed": 3}}]
    design = expand(stages, space)
    assert design == expand(stages, space)
    assert sorted(int(16 * e.config["x"]) for e in design) == list(range(16))
    assert {e.config["kind"] for e in design} == {"a", "b"}
    other = expand([{"fidelities": [1], "sobol": {"count": 16, "seed": 4}}], space)
    assert other != design


def test_only_some_configs_of_a_sobol_sequence_may_be_kept() -> None:
    def walked(**facts: Any) -> list[Any]:
        design = expand([{"fidelities": [1], "sobol": {"seed": 3, **facts}}], SPACE)
        return [e.config for e in design]

    whole, keep = walked(count=9), [1, 4, 8]
    assert walked(keep=keep) == [whole[place] for place in keep]
    assert walked(keep=keep, count=2) == [whole[1], whole[4]]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"fidelities": [1]}, "stage 0 of the design: give one of"),
        (stage(grid={"x": [1], "y": [1]}), "stage 0 of the design: give one of"),
        ({"configs": [[0, 0]]}, "stage 0 of the design: fidelities is missing"),
        (stage(heldout=True), "unknown key heldout; did you mean 'held_out'"),
        (stage(fidelities=[2]), "fidelity 2.0 is not in"),
        (stage(fidelities=[0]), "fidelity 0.0 is not in"),
        (stage(fidelities=["half"]), "half"),
        (stage(configs=[[0.5, 7]]), "y=7: allowed is"),
        (sobol(count=2, sed=1), "unknown key sobol.sed; did you mean 'seed'"),
        (sobol(seed=1), "stage 0 of the design: sobol needs count or keep"),
        (sobol(count=0), "stage 0 of the design: sobol.count=0: must be a whole number, 1 or more"),
        (sobol(count=3, keep=[0, 5]), "stage 0 of the design: sobol.count=3 of 2 kept"),
        (sobol(keep=[5, -1]), "stage 0 of the design: sobol.keep: must be indices"),
        (stage(configs=[[0.5]]), "argument"),
        ({"fidelities": [1], "grid": {"x": [1], "z": [1]}}, "unknown hyperparameter 'z'"),
    ],
)
def test_a_bad_stage_is_one_clear_line(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        expand([bad], SPACE)
    assert "\n" not in str(error.value)


def test_the_mnist_design_holds_what_the_first_table_promises() -> None:
    stages = yaml.safe_load((ROOT / "conf" / "design" / "svm_mnist.yaml").read_text())["stages"]
    design = expand(stages, SVM_SPACE)
    configs: dict[float, set[tuple[float, ...]]] = {}
    for e in design:
        if not e.held_out:
            configs.setdefault(e.fidelity, set()).add(tuple(e.config.values()))
    for denominator in (512, 128, 32, 16, 8, 4):
        assert len(configs[1 / denominator]) >= 49
    corners = {(a, b) for a in (-10, 10) for b in (-10, 10)}
    assert corners <= configs[1 / 512]
    for share in (0.5, 1.0):
        assert len(configs[share]) >= 20
        assert configs[share] <= configs[1 / 512]  # nested: differences are interpolated


def test_the_cars_design_holds_what_is_to_be_recorded() -> None:
    settings = compose("record", ["task=cars_head"])
    space = Space.from_spec(settings["task"]["space"])
    design = expand(settings["design"]["stages"], space)
    seeds: dict[tuple[Any, ...], set[int]] = {}
    for e in design:
        if not e.held_out:
            seeds.setdefault(tuple(e.config.values()), set()).add(e.subset_seed)
    assert len(seeds) == 1 + 400 + 200  # the baseline, Sobol, the better half
    assert sum(len(found) > 1 for found in seeds.values()) == 1 + 150
    assert all(0 in found for found in seeds.values())
    assert sum(e.held_out for e in design) == 50


@pytest.mark.parametrize(
    "path", sorted((ROOT / "conf" / "design").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_design_can_be_walked(path: Path) -> None:
    task = compose(
        "config", [f"task={path.stem.removesuffix('_sklearn').removesuffix('_sensit')}"]
    )["task"]
    space = Space.from_spec(task["space"]) if "space" in task else SVM_SPACE
    design = expand(yaml.safe_load(path.read_text())["stages"], space)
    assert any(e.fidelity == 1 and not e.held_out for e in design)
    held_out = {tuple(e.config.values()) for e in design if e.held_out}
    assert not held_out & {tuple(e.config.values()) for e in design if not e.held_out}
    if path.stem == "cars_head":
        assert dict(design[0].config) == task["baseline"]
