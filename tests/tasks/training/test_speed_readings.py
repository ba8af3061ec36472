from __future__ import annotations

import pytest

from tasks.training import speed_readings
from tasks.training.speed_readings import SpeedReadings


def test_the_speed_is_read_when_the_latest_reading_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    timings = iter([0.2, 0.3])
    monkeypatch.setattr(speed_readings.time, "monotonic", lambda: now[0])
    speed = SpeedReadings(lambda: next(timings))
    speed.look()
    assert speed.readings == []
    for step in (10.1, 0.1, 10.1):
        now[0] += step
        speed.look()
    assert speed.readings == [0.2, 0.3]
    assert speed.spent >= 0
