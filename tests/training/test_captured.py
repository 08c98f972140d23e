"""The order in which a recording asks things of a GPU, on pretended streams."""

from contextlib import nullcontext

import pytest
import torch

from repro.training.captured import _record, replayed
from tests.training.test_ways import set_up, short


class Stream:
    device = None

    def __init__(self, name, told):
        self.name, self.told = name, told

    def wait_stream(self, other):
        self.told.append(f"{self.name} waits for {other.name}")


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_warm_up_that_fails_has_ended_before_the_state_is_put_back(failing, monkeypatch):
    told, this = [], set_up(short())
    here, own = Stream("default", told), Stream("own", told)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: here)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda _: None)
    running, before = this[1].running, this[1].running.clone()

    def record(body, index):
        def step(index):
            told.append("step")
            running.add_(1.0)
            if told.count("step") == failing:
                raise ValueError("called a synchronizing operation")

        try:
            _record(step, index, own, None)
        finally:
            told.append("left to put back" if not torch.equal(running, before) else "put back too soon")

    with pytest.raises(ValueError, match="synchronizing"):
        replayed(*this, record)
    assert told == ["own waits for default", *["step"] * failing, "default waits for own", "left to put back"]
    assert torch.equal(running, before)
