from __future__ import annotations

from pathlib import Path

from benchmarks.core.space import Float, Space
from benchmarks.recorder.study_configs import configs_in_studies
from tasks.replay import table
from tasks.replay.curves import CURVES


def test_the_configs_of_committed_studies_are_found_by_the_table_that_they_replay() -> None:
    space = table.read(table.path_of("cars_head"), CURVES).space
    found = configs_in_studies("cars_head", space)
    assert {"cars_talk", "talk_parallel"} <= set(found)
    for configs in found.values():
        assert len(configs) > 100
        assert len({str(config) for config in configs}) == len(configs)
        for config in configs[:50]:
            space.check(config)
            assert isinstance(config["nesterov"], bool)
            assert isinstance(config["batch_size"], int)


def test_other_tables_spaces_and_folders_have_none(tmp_path: Path) -> None:
    space = table.read(table.path_of("cars_head"), CURVES).space
    assert configs_in_studies("svm_nothing", space) == {}
    assert configs_in_studies("cars_head", Space({"x": Float(0, 1)})) == {}
    assert configs_in_studies("cars_head", space, tmp_path) == {}
