"""What a terminal shows of training: how far all runs have come, what each worker trains, how long it will take."""

import os
import pty
import re
import subprocess
import sys

import pytest

from repro.executing.execute import Tally
from repro.executing.progress import ProgressBar, _Bar, _fitting, begun_before, reached
from repro.executing.worker import Done
from repro.planning.plan import plan
from repro.planning.quantities import duration
from repro.recipes import cifar
from repro.runs.store import HISTORY, Store
from tests.executing.test_execute import check_of as one_seed
from tests.executing.test_execute import tiny
from tests.made import check_of, finished, paused


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def made(store):
    check = check_of(lambda scale, seed: {"BatchNorm": cifar("smoke", seed, depth=8)})
    return plan([check], store, device_type="cpu")


def write_epochs(store, spec, count):
    (store.begin(spec) / HISTORY).write_text("{}\n" * count)


def test_before_the_first_epoch_nothing_is_behind(made, store):
    found = reached(made, (), store, workers=2, before={})
    assert (found.seconds, found.epochs) == (0.0, 0)
    assert found.current == ("resnet-8 batchnorm seed 0 0/12", "resnet-8 batchnorm seed 1 0/12")


def test_ended_runs_count_whole_and_those_under_way_by_their_epochs(made, store):
    first, second, _ = made.missing
    write_epochs(store, second.spec, 3)
    found = reached(made, {first.spec.key}, store, workers=1, before={})
    assert found.epochs == 12 + 3
    assert found.seconds == pytest.approx(first.cost.seconds + second.cost.seconds / 4)
    assert found.current == ("resnet-8 batchnorm seed 1 3/12",)


def test_of_a_paused_run_only_what_was_trained_since_the_plan_is_behind(made, store):
    spec = made.missing[0].spec
    paused(store, spec, epoch=6)
    resumed = plan(list(made.checks), store, device_type="cpu")
    before = begun_before(resumed, store)
    assert before == {spec.key: 6}
    assert reached(resumed, (), store, workers=1, before=before).seconds == 0.0
    write_epochs(store, spec, 9)
    found = reached(resumed, (), store, workers=1, before=before)
    assert found.seconds == pytest.approx(resumed.missing[0].cost.seconds / 2)
    assert found.current == ("resnet-8 batchnorm seed 0 9/12",)


def test_with_all_runs_ended_everything_is_behind(made, store):
    found = reached(made, {run.spec.key for run in made.missing}, store, workers=2, before={})
    assert found.seconds == pytest.approx(sum(run.cost.seconds for run in made.missing))
    assert found.current == ()


def test_a_terminal_shows_epochs_time_left_and_what_is_trained(tmp_path, tiny_claim):
    (tmp_path / "tiny.py").write_text(tiny_claim)
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "repro.cli", "run", "tiny.py", "-k", "tiny[depth=8]", "--workers", "1"],
        cwd=tmp_path, stdin=child, stdout=child, stderr=child, env=os.environ | {"COLUMNS": "120"},
    ) as process:  # fmt: skip
        os.close(child)
        shown = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            shown += piece
    text = shown.decode()
    assert process.returncode == 0, text
    assert re.search(r"runs to train with 1 worker, about", text)
    assert re.search(r"0/\d+ runs, 0/\d+ epochs, .* left, resnet-8 ", text)
    assert re.search(r"100% .* (\d+)/\1 runs, (\d+)/\2 epochs", text)


def test_a_run_that_is_complete_before_needs_no_bar(made, store):
    for run in made.missing:
        finished(store, run.spec)
    again = plan(list(made.checks), store, device_type="cpu")
    assert reached(again, (), store, workers=2, before={}).current == ()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.2, "4.2 s"), (42, "42 s"), (420, "7 min"), (42000, "11.7 h"), (4200000, "49 days"), (9e8, "29 years")],
)
def test_a_duration_has_the_unit_that_a_person_would_use(seconds, words):
    assert duration(seconds) == words


def test_a_checkpointed_run_has_not_ended(made, store, capsys):
    first, *_ = made.missing
    write_epochs(store, first.spec, 3)
    tally = Tally(done={first.spec.key: Done(spec=first.spec, status="paused", seconds=1.0)})
    bar = _Bar(made, tally, store, workers=1)
    bar.close()
    assert "0/3 runs, 3/36 epochs" in capsys.readouterr().err


def test_what_does_not_fit_the_terminal_is_left_out_whole():
    words = ["0/6 runs, 2/72 epochs", "16 min left", "resnet-8 batchnorm seed 0 2/12"]
    assert _fitting(words, 63) == "0/6 runs, 2/72 epochs, 16 min left"
    assert _fitting(words, 66) == "0/6 runs, 2/72 epochs, 16 min left, resnet-8 batchnorm seed 0 2/12"
    assert _fitting(words, 5) == "0/6 runs, 2/72 epochs"


def test_runs_that_are_added_are_counted_with_those_before(tmp_path, capsys):
    store, tally = Store(tmp_path), Tally()
    progress = ProgressBar(store, 2)
    first = plan(
        [one_seed(lambda scale, seed: {str(i): tiny(seed, epochs=1 + i) for i in range(3)})], store, device_type="cpu"
    )
    progress(first, tally, None)
    for run in first.missing:
        tally.done[run.spec.key] = done = Done(spec=run.spec, status="complete", seconds=1.0)
        progress(first, tally, done)
    added = plan(
        [one_seed(lambda scale, seed: {str(i): tiny(seed, epochs=1 + i) for i in (3, 4)})], store, device_type="cpu"
    )
    progress(added, tally, None)
    tally.done[added.missing[0].spec.key] = done = Done(spec=added.missing[0].spec, status="complete", seconds=1.0)
    progress(added, tally, done)
    assert capsys.readouterr().out.splitlines()[-1].startswith("[4/5] complete")
