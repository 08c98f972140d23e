"""One run of several processes: against one process that does what they do, paused, resumed, and refused."""

import json
import multiprocessing
import threading

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from repro.errors import DataError, SpecError
from repro.runs.store import CHECKPOINT, TENSORS, Store
from repro.training import followers, run
from repro.training.data import load
from repro.training.followers import follow
from repro.training.group import ALONE, Place
from repro.training.images import permuted, shared
from repro.training.loop import evaluate, start
from repro.training.optimizers import learning_rate, update_of
from repro.training.parallel import train_together
from repro.training.trainable import named_tensors, prepare
from tests.drawn import indexed, small

CPU = torch.device("cpu")
ONE = small(epochs=1, learning_rate_drops=(), warm_up_epochs=0)
TWO = small(processes=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return indexed(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As runs have it: the order of float sums depends on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train_here(spec, data, stops=()):
    """Trains in this process, paused after so many steps each time, as from a checkpoint; rows, network and state."""
    examples, net = load(spec, data, CPU), prepare(spec, CPU)
    state, rows = start(spec, net), []
    for steps in [*stops, 10**6]:
        left = iter(range(steps))
        rows += train_together(spec, net, examples, state, lambda _, left=left: next(left, None) is None)
    return rows, net, state


def reference(spec, data):
    """What the processes of a spec compute, by one process: BatchNorm over each share, statistics of the first."""
    examples, net = load(spec, data, CPU), prepare(spec, CPU)
    state, rows = start(spec, net), []
    update = update_of(spec, net.trained, state.slots, steps=0)
    for epoch in range(spec.epochs):
        batches = permuted(spec, epoch, len(examples.train.labels))
        losses = 0.0
        for step, batch in enumerate(batches):
            net.model.train()
            statistics = net.running.clone()
            for rank in range(spec.processes):
                mine = shared(batch, rank, spec.processes)
                ((images, labels),) = examples.train.epoch(epoch, [mine])
                net.running.copy_(statistics)
                loss = functional.cross_entropy(net.model(examples.normalise(images)), labels, reduction="sum")
                (loss / len(batch)).backward()
                losses += loss.item()
                if rank == 0:
                    first = net.running.clone()
            net.running.copy_(first)
            update(learning_rate(spec, epoch, step))
            net.trained.grad.zero_()
        rows.append((losses / len(examples.train.labels), evaluate(spec, net, examples, examples.test)))
    return rows, net


def trained(spec, root, data, pause=lambda: False):
    """A run through the door that every run goes through, into a store of its own."""
    store = Store(root)
    return store, run(spec, store, data_dir=data, device="cpu", criteria={}, pause=pause, checkpoint_every=1e9)


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """The finished run of two processes over gloo."""
    store, ended = trained(TWO, tmp_path_factory.mktemp("two"), data)
    assert ended == "complete"
    return store.run(TWO)


@pytest.fixture(scope="module")
def alone(data):
    """The same run of one process: its rows, network and state."""
    return train_here(small(), data)


def test_two_processes_agree_with_one_that_normalises_the_same_shares(two, data):
    rows, net = reference(TWO, data)
    found = load_file(two.folder / TENSORS)
    assert found.keys() == named_tensors(net).keys()
    for name, tensor in named_tensors(net).items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)
    for row, (loss, scores) in zip(two.history, rows, strict=True):
        assert row["train_loss"] == pytest.approx(loss, rel=1e-5)
        assert (row["test_top1"], row["test_top5"]) == (scores["top1"], scores["top5"])


def test_the_split_over_processes_changes_what_is_computed(two, alone):
    _, net, _ = alone
    found = load_file(two.folder / TENSORS)
    assert not all(torch.allclose(found[name], tensor, atol=1e-3) for name, tensor in named_tensors(net).items())


def test_the_shared_evaluation_is_to_the_bit_that_of_one_process(two):
    accuracy, last = two.measurement("accuracy"), two.history[-1]
    assert (accuracy["top1"], accuracy["top5"], accuracy["loss"]) == (
        last["test_top1"],
        last["test_top5"],
        last["test_loss"],
    )
    assert accuracy["images"] == 20


def test_two_processes_paused_within_an_epoch_and_resumed_equal_those_never_paused(two, data, tmp_path):
    asked = iter([False, False, False, False, True])  # in the first process alone: the other has to stop with it
    store, ended = trained(TWO, tmp_path, data, pause=lambda: next(asked))
    assert ended == "paused"
    assert store.position(TWO) | {"parts": [], "criteria": {}} == {
        "epoch": 1, "step": 1, "diverged": False, "parts": [], "criteria": {},
    }  # fmt: skip
    assert trained(TWO, tmp_path, data)[1] == "complete"
    again = store.run(TWO)
    assert len(again.record["parts"]) == 2
    assert again.history == two.history
    assert again.digest == two.digest


def second_process(data, address, steps):
    """The other process of ``TWO``, as a launcher starts it, told to stop after so many steps."""
    torch.set_num_threads(1)
    left = iter(range(steps))
    follow(TWO, data_dir=data, device="cpu", rank=1, address=address, pause=lambda: next(left, None) is None)


def test_a_run_that_another_process_of_it_stops_is_paused_and_not_complete(two, data, tmp_path, monkeypatch):
    place = Place(rank=0, size=2, address=f"file://{tmp_path}/meeting")
    other = multiprocessing.get_context("spawn").Process(target=second_process, args=(data, place.address, 4))
    other.start()
    with monkeypatch.context() as launcher:
        launcher.setattr(followers, "launched", lambda: place)
        store, ended = trained(TWO, tmp_path, data)
    other.join()
    assert ended == "paused"
    assert trained(TWO, tmp_path, data)[1] == "complete"
    assert store.run(TWO).history == two.history


def test_one_process_paused_anywhere_and_resumed_equals_never_paused(alone, data):
    rows, net, state = alone
    again_rows, again, again_state = train_here(small(), data, stops=(2, 1, 2))
    assert again_rows == rows
    assert torch.equal(again.trained, net.trained)
    assert torch.equal(again.running, net.running)
    assert torch.equal(again_state.slots["momentum"], state.slots["momentum"])


def test_top_five_counts_hits_among_the_best_five(data):
    (row,), net, _ = train_here(ONE, data)
    examples = load(ONE, data, CPU)
    hits = best = 0
    with torch.no_grad():
        for images, labels in examples.test.blocks():
            order = net.model.eval()(examples.normalise(images)).argsort(1, descending=True)
            best += (order[:, 0] == labels).sum().item()
            hits += (order[:, :5] == labels[:, None]).sum().item()
    assert row["test_top5"] == 100 * hits / 20
    assert row["test_top1"] == 100 * best / 20
    assert row["test_top5"] > row["test_top1"]


def test_frozen_tensors_stay_and_batchnorm_moves(two):
    assert two.record["frozen_before"] == two.record["frozen_after"]
    before = named_tensors(prepare(TWO, CPU))
    after = load_file(two.folder / TENSORS)
    assert {name for name in after if not torch.equal(after[name], before[name])} == set(after)
    assert not any("conv" in name or "fc" in name for name in after)


def test_nothing_trained_moves_running_statistics_alone(data):
    spec = small(trained="none", epochs=1, learning_rate_drops=())
    _, net, _ = train_here(spec, data)
    assert net.names == ()
    assert not torch.equal(net.running, prepare(spec, CPU).running)


def test_a_broken_image_ends_both_processes_with_its_name_and_no_failure_of_the_run(data, tmp_path):
    own = indexed(tmp_path / "data")
    file = next((own / "imagenet-drawn" / "train" / "n03").iterdir())
    file.write_bytes(b"no image")
    with pytest.raises(DataError, match=f"{file} has changed"):
        trained(TWO, tmp_path / "store", own)
    assert not [path for path in Store(tmp_path / "store").folder(TWO).iterdir() if path.name.startswith("failure")]


def test_more_processes_than_gpus_are_refused_before_anything_is_written(data, tmp_path):
    with pytest.raises(SpecError, match="2 GPUs at once, and 1 were given") as caught:
        run(TWO, Store(tmp_path), data_dir=data, device="cuda:0", criteria={}, pause=lambda: False)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_launcher_with_another_number_of_processes_is_refused(data, tmp_path, monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "3", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SpecError, match="2 processes, and 3 were launched"):
        trained(TWO, tmp_path, data)


def test_a_group_of_one_changes_nothing():
    tensor = torch.ones(2)
    ALONE.add(tensor)
    ALONE.follow_first(tensor)
    assert tensor.tolist() == [1, 1]
    assert ALONE.agree(True, "")
    assert not ALONE.agree(False, "")
    with pytest.raises(DataError, match="broken"):
        ALONE.agree(False, "broken")


@pytest.mark.parametrize(
    ("epoch", "step", "rate"),
    [(0, 0, 0.0), (0, 1, 0.4 / 3), (0, 2, 0.8 / 3), (1, 0, 0.04), (1, 2, 0.04)],
)
def test_the_learning_rate_rises_step_by_step_from_zero_and_then_drops(epoch, step, rate):
    assert learning_rate(small(), epoch, step) == pytest.approx(rate)


def test_the_papers_schedule_warms_up_for_five_epochs_and_drops_at_thirty_sixty_and_eighty():
    from repro.recipes import imagenet

    spec = imagenet("paper", 0, depth=50)
    steps = spec.row_steps
    assert steps == 1252
    assert learning_rate(spec, 2, steps // 2) == pytest.approx(0.2)
    assert learning_rate(spec, 4, steps - 1) < 0.4
    for epoch, rate in ((5, 0.4), (29, 0.4), (30, 0.04), (60, 0.004), (80, 0.0004), (89, 0.0004)):
        assert learning_rate(spec, epoch, 0) == pytest.approx(rate)


def test_no_process_or_thread_of_a_run_outlives_it(two):
    assert not [one for one in threading.enumerate() if one.name.startswith("pytorch")]
    import multiprocessing

    assert multiprocessing.active_children() == []
    assert json.loads((two.folder / "run.json").read_text())["outcome"] == "trained"
    assert not (two.folder / CHECKPOINT).exists()
