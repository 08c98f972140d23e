"""What a machine cannot train: left out with the reason in one line, or refused where it was asked for."""

import dataclasses
from pathlib import Path

import pytest

from repro.claim import LOOKS
from repro.errors import DataError, SpecError
from repro.executing import trainable_here
from repro.executing.execute import run_all
from repro.planning.plan import plan
from repro.recipes import cifar, imagenet
from repro.runs.store import Store
from tests.executing.test_execute import tiny
from tests.made import check_of

GPUS = tuple(f"cuda:{index}" for index in range(8))


def eight_processes(seed):
    return imagenet("paper", seed, depth=18)


def one_process(seed):
    spec = imagenet("paper", seed, depth=18)
    return dataclasses.replace(spec, processes=1, batch_size=128)


def check(name, make):
    return check_of(lambda scale, seed: {"one": make(seed)}, id=name, looks=dict.fromkeys(LOOKS, (1,)))


SMALL = check("small", tiny)
LARGE = check("large", eight_processes)
IN_FILES = check("in-files", one_process)
REAL = check("real", lambda seed: cifar("pilot", seed, depth=8))


def planned(tmp_path, *checks):
    return plan(checks, Store(tmp_path / "store"), device_type="cpu")


def left(tmp_path, *checks, found=GPUS[:2]):
    return trainable_here.left_out(planned(tmp_path, *checks), found, tmp_path)


def test_runs_of_more_devices_than_there_are_are_left_out_with_the_reason(tmp_path):
    (one,) = left(tmp_path, SMALL, LARGE)
    assert one.line == (
        "left out: 1 run for large: a run takes 8 GPUs at once, but there are 2; train on a cluster: repro submit."
    )


def test_runs_on_files_that_are_not_there_are_left_out_with_the_reason(tmp_path):
    (one,) = left(tmp_path, SMALL, IN_FILES)
    assert one.claims == ("in-files",)
    assert f"{tmp_path / 'imagenet'} does not hold imagenet" in one.line
    assert "\n" not in one.line


def test_on_a_cluster_there_are_as_many_devices_as_a_run_takes(tmp_path):
    assert [type(one.why) for one in left(tmp_path, LARGE, found=None)] == [DataError]


def test_nothing_is_left_out_where_everything_can_be_trained(tmp_path):
    made = planned(tmp_path, SMALL)
    assert trainable_here.left_out(made, ("cpu",), tmp_path) == ()
    assert trainable_here.without(made, ()) is made


def test_a_data_set_that_a_command_fetches_is_no_reason_to_leave_out(tmp_path):
    made, found = planned(tmp_path, SMALL, REAL), left(tmp_path, SMALL, REAL)
    assert [one.line.partition(":")[0] for one in found] == ["cannot be trained yet"]
    with pytest.raises(DataError, match="repro data fetch cifar10"):
        trainable_here.refuse(made, found, named=(), strict=False)


@pytest.mark.parametrize(
    ("checks", "named", "strict"),
    [((SMALL, LARGE), ("large",), False), ((SMALL, LARGE), (), True), ((LARGE,), (), False)],
    ids=["named by id", "strict", "nothing else is planned"],
)
def test_what_may_not_be_left_out_is_refused_in_one_line(tmp_path, checks, named, strict):
    made = planned(tmp_path, *checks)
    with pytest.raises(SpecError, match="^imagenet-resnet-18 .* cannot be trained here: a run takes 8 GPUs") as caught:
        trainable_here.refuse(made, left(tmp_path, *checks), named=named, strict=strict)
    assert "\n" not in str(caught.value)


def test_what_is_named_beside_something_that_can_be_trained_is_not_confused_with_it(tmp_path):
    made = planned(tmp_path, SMALL, LARGE)
    trainable_here.refuse(made, left(tmp_path, SMALL, LARGE), named=("small",), strict=False)


def trained(monkeypatch, tmp_path, *checks, **more):
    """The specs that would be trained, the tally and the plan that a listener is told of."""
    given, told = [], []

    def train(runs, setup, stop, report):
        given.extend(run.spec for run in runs)
        return False

    monkeypatch.setattr("repro.executing.pool.train", train)
    tally = run_all(
        list(checks), Store(tmp_path / "store"), data_dir=tmp_path, device="cpu", workers=1,
        listener=lambda made, *_: told.append(made), **more,
    )  # fmt: skip
    return given, tally, told


def test_the_rest_is_trained_and_told_of_alone(monkeypatch, tmp_path):
    monkeypatch.setattr("repro.executing.trainable_here.processes", lambda found: 2)
    given, tally, told = trained(monkeypatch, tmp_path, SMALL, LARGE)
    assert given == [tiny(0)]
    assert [run.spec for run in told[0].runs] == given
    assert [one.claims for one in tally.left_out] == [("large",)]


def test_once_the_rest_is_complete_nothing_is_refused(monkeypatch, tmp_path, finished):
    monkeypatch.setattr("repro.executing.trainable_here.processes", lambda found: 2)
    finished(Store(tmp_path / "store"), tiny(0))
    given, tally, _ = trained(monkeypatch, tmp_path, SMALL, LARGE)
    assert given == []
    assert len(tally.left_out) == 1


@pytest.mark.parametrize("more", [{"named": ("large",)}, {"strict": True}])
def test_a_refusal_writes_nothing(monkeypatch, tmp_path, more):
    monkeypatch.setattr("repro.executing.trainable_here.processes", lambda found: 2)
    with pytest.raises(SpecError):
        trained(monkeypatch, tmp_path, SMALL, LARGE, **more)
    assert list(Path(tmp_path).iterdir()) == []
