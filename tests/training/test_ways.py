"""The choice among ways to take steps, with pretended ways: right, wrong and failing ones."""

import dataclasses
import math

import pytest
import torch

from repro.errors import CaptureError
from repro.training.captured import RecordingError, replayed
from repro.training.loop import train
from repro.training.step import eager, start
from repro.training.trainable import frozen_hash, prepare
from repro.training.trial import course, trial
from repro.training.ways import BLOCKS, PREPARING, WORTH, fastest, way
from tests.training.test_step import CPU, SETS, images, made, short


def set_up(spec):
    net, state, examples, _ = made(spec)
    return spec, net, examples, state


def fixed(spec, net, examples, state):
    """The replayed way, with nothing to record it on."""
    return replayed(spec, net, examples, state, lambda body, index: lambda: body(index))


def held(this, step):
    """What the trial says of a step."""
    spec, net, _, state = this
    return trial(*this, eager(spec, net, state))(step)


@pytest.mark.parametrize("which", SETS)
def test_the_replayed_way_passes_the_trial(which):
    this = set_up(short(*which))
    assert held(this, fixed(*this)) == ""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_other_rounding_passes_the_trial(precision):
    """Activations that lie otherwise in memory are summed in another order."""
    this = set_up(short(precision=precision))
    step = fixed(*this)
    this[1].model.conv.register_forward_hook(lambda _module, _inputs, output: output.contiguous())
    assert held(this, step) == ""


def stale_tables(this, step, state):
    first = course(*this[::2], 0)[0][0]

    def wrong(row, number, rate):
        gather = dataclasses.replace(row.gather, tables=first.gather.tables)
        step(dataclasses.replace(row, gather=gather), number, rate)

    return wrong


def frozen_rate(this, step, state):
    return lambda row, number, rate: step(row, number, this[0].learning_rate)


def no_short_batch(this, step, state):
    return lambda row, number, rate: step(row, min(number, row.count - 2), rate)


def no_momentum(this, step, state):
    def wrong(row, number, rate):
        state.slots["momentum"].zero_()
        step(row, number, rate)

    return wrong


def no_running_statistics(this, step, state):
    def wrong(row, number, rate):
        before = this[1].running.clone()
        step(row, number, rate)
        this[1].running.copy_(before)

    return wrong


def small_drift(this, step, state):
    def wrong(row, number, rate):
        step(row, number, rate)
        with torch.no_grad():
            this[1].trained.mul_(1 - 1e-4)  # weight decay ten times what it is

    return wrong


def diverging(this, step, state):
    return lambda row, number, rate: (step(row, number, rate), state.sums.fill_(torch.nan))


WRONG = {
    stale_tables: "in 10 steps, the losses differ by",
    frozen_rate: "in 10 steps, the trained vectors differ by",
    no_short_batch: "in step 6, it saw other examples",
    no_momentum: "in 10 steps, the trained vectors differ by",
    no_running_statistics: "in 10 steps, the running statistics differ by",
    small_drift: "in 10 steps, the trained vectors differ by",
    diverging: "in step 1, it saw other examples",
}


@pytest.mark.parametrize(("wrong", "reason"), WRONG.items())
def test_a_wrong_way_fails_the_trial(wrong, reason):
    this = set_up(short())
    assert reason in held(this, wrong(this, fixed(*this), this[3]))


def test_another_precision_is_another_way():
    this = set_up(short())
    lower = dataclasses.replace(this[0], precision="bfloat16")
    assert "rounding explains" in held(this, fixed(lower, *this[1:]))


def test_a_trial_leaves_everything_as_it_was():
    this = set_up(short())
    spec, net, examples, state = this
    list(train(spec, net, examples, state, lambda state: state.step == 2))
    moved = [net.trained, net.trained.grad, net.running, state.sums, *state.slots.values()]
    before, hashed = [one.clone() for one in moved], frozen_hash(net)
    held(this, fixed(*this))
    assert all(torch.equal(one, old) for one, old in zip(moved, before, strict=True))
    assert frozen_hash(net) == hashed
    assert (state.row, state.step) == (0, 2)


def test_the_replayed_way_trains_as_the_eager_one():
    spec, examples = short(epochs=3), images()
    rows = []
    for make in (lambda *this: eager(this[0], this[1], this[3]), fixed):
        net = prepare(spec, CPU)
        state = start(spec, net)
        rows.append(list(train(spec, net, examples, state, lambda _: False, make(spec, net, examples, state))))
    assert all(one == pytest.approx(other) for one, other in zip(*rows, strict=True))


def chosen(make, differs="", paces=None, left=10**6, within=math.inf, avoid=None):
    paces = {"plain": 0.5, "a": 0.3, "b": 0.2} | (paces or {})
    return fastest(
        "plain",
        make,
        differs=lambda step: differs if step == "b" else "",
        pace=lambda step: paces[step],
        left=left,
        within=within,
        avoid=avoid or {},
    )


def test_no_way_is_tried_where_the_process_pauses_before_it_would_be_ready():
    found = chosen({"captured": failing(AssertionError("tried"))}, paces={"plain": None}, within=PREPARING - 1)
    assert (found.name, found.seconds) == ("eager", {})
    assert "this process pauses in 29 s" in found.passed_over["captured"]


def failing(error):
    def make():
        raise error

    return make


BOTH = {"captured": lambda: "a", "compiled": lambda: "b"}


def test_the_fastest_way_that_agrees_is_taken():
    found = chosen(BOTH)
    assert (found.name, found.step, found.passed_over) == ("compiled", "b", {})
    assert found.seconds == {"eager": 0.5, "captured": 0.3, "compiled": 0.2}


def test_a_way_that_differs_is_passed_over_with_the_reason():
    found = chosen(BOTH, differs="the losses differ")
    assert (found.name, found.passed_over) == ("captured", {"compiled": "the losses differ"})
    assert found.seconds == {"eager": 0.5, "captured": 0.3, "compiled": 0.2}  # timed all the same


@pytest.mark.parametrize("error", [RuntimeError("no compiler\nat all"), MemoryError("too large"), AssertionError()])
def test_a_way_that_fails_is_passed_over_with_the_reason(error):
    found = chosen({"captured": failing(error), "compiled": failing(error)})
    assert (found.name, found.step) == ("eager", "plain")
    assert found.passed_over["captured"] == f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


@pytest.mark.parametrize("error", [RecordingError("permission"), RuntimeError("CUDA error: an illegal access")])
def test_a_way_that_spoils_the_process_ends_it(error):
    with pytest.raises(CaptureError, match="captured steps failed .*; this process must not") as raised:
        chosen({"captured": failing(error), "compiled": lambda: "b"})
    assert raised.value.way == "captured"


def test_a_way_that_failed_in_another_process_is_not_tried_again():
    found = chosen({"captured": failing(AssertionError("tried")), "compiled": lambda: "b"}, avoid={"captured": "why"})
    assert (found.name, found.passed_over) == ("compiled", {"captured": "why"})


def test_a_slower_way_is_passed_over():
    found = chosen(BOTH, paces={"b": 0.4})
    assert (found.name, found.passed_over) == ("captured", {"compiled": "it takes 400 ms a step, captured 300 ms"})


def test_compiling_is_not_tried_for_the_last_minutes():
    found = chosen({"captured": lambda: "a", "compiled": failing(AssertionError("tried"))}, left=900)
    assert (found.name, found.passed_over["compiled"]) == (
        "captured", "it pays from 300 s of training on, and about 270 s are left",
    )  # fmt: skip


def test_compiling_is_not_tried_where_this_process_soon_pauses_a_long_run():
    found = chosen({"captured": lambda: "a", "compiled": failing(AssertionError("tried"))}, within=270)
    assert (found.name, found.passed_over["compiled"]) == (
        "captured", "it pays from 300 s of training on, and about 270 s are left",
    )  # fmt: skip


def test_on_a_cpu_the_way_is_the_eager_one():
    found = way(*set_up(short()), {})
    assert (found.name, found.passed_over, found.seconds) == ("eager", {}, {})


def test_each_way_says_from_how_much_training_on_it_pays():
    assert set(BLOCKS) == set(WORTH)
