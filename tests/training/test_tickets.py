"""Tickets: what is pruned, that it stays so, and that a search may stop anywhere."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from repro.judging.integrity import broken_controls, contradiction, refuse_contradictions
from repro.judging.shapes import expected
from repro.recipes import ticket
from repro.runs.store import TENSORS, Store
from repro.runs.streams import Purpose
from repro.training import machine, remeasure, restore, run
from repro.training.data import batches
from repro.training.loop import train as rows_of
from repro.training.measure import adjacency
from repro.training.pruning import layers, mask_of
from repro.training.step import State, start
from repro.training.tickets import search
from repro.training.trainable import named_tensors, prepare
from tests.training.test_sequences import few

CPU = torch.device("cpu")
LEVELS, KEPT, LAST = (1, 2, 3, 4), (1, 3, 4), 4


def small(pruning="magnitude", **changes):
    """A search of four retrains over five levels, of 0, 25, 50, 75 (and 100) %, with its four tests."""
    usual = {
        "hidden": 12, "levels": 5, "retrains": LEVELS, "kept": KEPT, "tested_level": 3, "batch_size": 10, "steps": 7,
        "test_batch_size": 20, "test_steps": 5, "tests": ("other data", "reversed", "shuffled", "new weights"),
    }  # fmt: skip
    return dataclasses.replace(ticket(0, pruning), **usual | changes)


def data(spec):
    return dataclasses.replace(few(), tests={test: few() for test in spec.tests})


def searched(spec, pause=lambda _state: False):
    net = prepare(spec, CPU)
    return list(search(spec, net, data(spec), start(spec, net), pause)), net


def trained(store, spec, pause=lambda: False):
    return run(spec, store, data_dir=Path("nowhere"), device="cpu", criteria={}, pause=pause)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    machine.settle(CPU)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("tickets"))
    assert trained(store, small()) == "complete"
    return store.run(small())


def test_levels_are_evenly_spaced_shares_of_every_layer_rounded_down():
    spec = ticket(0, "magnitude")
    net = prepare(spec, CPU)
    sizes = [40 * 500 + 500, 500 * 500 + 500, 500 * 10 + 10]
    assert [layer.stop - layer.start for layer in layers(net)] == sizes
    for level, share in zip(range(1, 101), np.linspace(0, 1, 100), strict=True):
        if level not in (1, 2, 50, 92, 96, 99, 100):
            continue
        mask = mask_of(spec, net, level, net.trained)
        pruned = [int((mask[layer] == 0).sum()) for layer in layers(net)]
        assert all(0 <= share * size - count < 1 + 1e-6 for size, count in zip(sizes, pruned, strict=True)), level


def test_the_smallest_weights_of_a_layer_are_pruned_and_what_was_pruned_stays_so():
    spec = small()
    net = prepare(spec, CPU)
    last, before = net.trained.clone(), torch.ones_like(net.trained)
    for level in LEVELS:
        mask = mask_of(spec, net, level, last)
        for layer in layers(net):
            left, pruned = last[layer][mask[layer] == 1].abs(), last[layer][mask[layer] == 0].abs()
            assert not len(pruned) or pruned.max() <= left.min()
        assert not ((before == 0) & (mask == 1)).any()
        before, last = mask, last * mask + 0.01 * mask  # what is left moves, what is pruned is 0


def test_a_random_mask_is_as_sparse_as_one_by_magnitude_and_another():
    by_magnitude, at_random = small(), small("random")
    net = prepare(by_magnitude, CPU)
    one, other = (mask_of(spec, net, 3, net.trained) for spec in (by_magnitude, at_random))
    assert [one[layer].sum() for layer in layers(net)] == [other[layer].sum() for layer in layers(net)]
    assert not torch.equal(one, other)
    assert not torch.equal(other, mask_of(small("random", seed=1), net, 3, net.trained))
    drawn_anew = mask_of(at_random, net, 4, net.trained)
    assert ((other == 0) & (drawn_anew == 1)).any()
    assert torch.equal(other, mask_of(at_random, net, 3, net.trained * 2))


def test_every_retrain_begins_at_the_same_start_but_that_with_new_weights():
    spec, begun = small(), []
    net = prepare(spec, CPU)
    original, other = (prepare(spec, CPU, of).trained for of in (Purpose.WEIGHTS, Purpose.NEW_WEIGHTS))

    def look(state):
        if state.step == 0:
            begun.append((state.row, net.trained.clone(), net.mask.clone(), state.slots["exp_avg"].abs().sum()))
        return False

    list(search(spec, net, data(spec), start(spec, net), look))
    assert [row for row, *_ in begun] == list(range(8))
    for row, weights, mask, remembered in begun:
        assert torch.equal(weights, (other if row == 7 else original) * mask)
        assert remembered == 0
    assert all(torch.equal(mask, begun[2][2]) for _, _, mask, _ in begun[4:])
    assert not torch.equal(original, other)


def test_the_next_retrain_prunes_the_smallest_of_the_last_weights():
    spec, masks, last = small(tests=()), {}, {}
    net = prepare(spec, CPU)

    def look(state):
        masks.setdefault(state.row, net.mask.clone())
        return False

    for row in search(spec, net, data(spec), start(spec, net), look):
        last[row["retrain"]] = net.trained.clone()
    for row in (1, 2, 3):
        assert torch.equal(masks[row], mask_of(spec, net, row + 1, last[row])), row
    assert not torch.equal(masks[3], mask_of(spec, net, 4, prepare(spec, CPU).trained))


def test_a_dense_retrain_is_the_plain_run_of_its_network():
    spec = small()
    _, net = searched(spec)
    plain_spec = spec.sequence[0].training
    plain = prepare(plain_spec, CPU)
    list(rows_of(plain_spec, plain, few(), start(plain_spec, plain), lambda _state: False))
    assert torch.equal(net.kept["retrain 1"], plain.trained)


def test_a_sparse_retrain_is_that_of_a_network_whose_other_weights_are_no_parameters():
    """Against a plain loop over the unpruned weights alone: Adam moves these as if there were no others."""
    spec = small()
    _, net = searched(spec)
    mask = net.kept["mask of retrain 3"].bool()
    model, first = prepare(spec, CPU), spec.sequence[0].training
    left = prepare(spec, CPU).trained[mask].clone().requires_grad_()
    adam, row = torch.optim.Adam([left], lr=spec.learning_rate), batches(first, few(), 0)
    shapes = [model.model.get_parameter(name).shape for name in model.names]
    for step in range(row.count):
        x, labels = row.of(step)
        whole = torch.zeros(len(mask)).masked_scatter(mask, left)
        parts = torch.split(whole, [shape.numel() for shape in shapes])
        named = {name: part.view(shape) for name, part, shape in zip(model.names, parts, shapes, strict=True)}
        loss = torch.nn.functional.cross_entropy(torch.func.functional_call(model.model, named, x), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert torch.allclose(net.kept["retrain 3"][mask], left.detach(), atol=1e-5)
    assert not net.kept["retrain 3"][~mask].any()


@pytest.mark.parametrize("pruning", ["magnitude", "random"])
def test_pruned_weights_stay_zero(pruning):
    rows, net = searched(small(pruning))
    counts = [int(sum(len(net.trained[layer]) * (level - 1) // 4 for layer in layers(net))) for level in LEVELS]
    assert [row["pruned"] for row in rows] == counts + [counts[2]] * 4
    assert {row["moved"] for row in rows} == {0}
    for level in KEPT:
        mask, weights = net.kept[f"mask of retrain {level}"], net.kept[f"retrain {level}"]
        assert not weights[mask == 0].any()
        assert (weights[mask == 1] != 0).all()


@pytest.mark.parametrize("stop", [0, 1, 7, 8, 13, 28, 30, 47])
def test_a_search_stopped_anywhere_and_gone_on_equals_an_uninterrupted_one(complete, tmp_path, stop):
    """Through the door and its checkpoint: rows, tensors, and measurements of the two are the same bytes."""
    store, spec = Store(tmp_path), small()
    left = iter(range(stop))
    assert trained(store, spec, lambda: next(left, None) is None) == "paused"
    position = store.position(spec)
    done = sum(retrain.training.steps for retrain in spec.sequence[: position["retrain"]]) + position["step"]
    assert done == stop
    assert store.progress(spec) == spec.done(position["retrain"], position["step"])
    assert trained(store, spec) == "complete"
    assert store.run(spec).digest == complete.digest


def test_a_random_search_needs_no_retrain_before_the_ones_that_it_trains():
    whole, part = (searched(small("random", tests=(), kept=(3, 4), retrains=levels)) for levels in (LEVELS, (3, 4)))
    for label in ("retrain 3", "mask of retrain 3", "retrain 4"):
        assert torch.equal(whole[1].kept[label], part[1].kept[label])


def test_shapes_that_are_expected_without_torch_are_those_that_are_stored(complete):
    kept = load((complete.folder / TENSORS).read_bytes())
    assert {name: one.shape for name, one in kept.items()} == expected(complete.spec)
    assert {name: tuple(one.shape) for name, one in named_tensors(prepare(small(), CPU)).items()} == expected(small())


def test_a_finished_ticket_says_what_its_tensors_give(complete):
    assert remeasure(complete, data_dir=Path("nowhere"), device="cpu") == []
    refuse_contradictions({"ticket": [complete]}, thorough=True)
    kept, found = load((complete.folder / TENSORS).read_bytes()), complete.measurement("tickets")
    rows = {retrain.label: row for retrain, row in zip(complete.spec.sequence, complete.history, strict=True)}
    assert found["top1"] == {label: rows[label]["test_top1"] for label in complete.spec.keeps}
    assert found["moved"] == dict.fromkeys(complete.spec.keeps, 0)
    again = restore(complete, data_dir=Path("nowhere"), device="cpu")
    last = again.net.model.get_parameter("output.weight").detach().numpy()
    assert np.array_equal(last, kept["new weights/output.weight"])


def test_a_ticket_records_the_fingerprints_of_both_its_data_sets(complete):
    assert set(complete.record["data"]) == {"train", "test", "mnist1d-seed-43 train", "mnist1d-seed-43 test"}
    assert broken_controls([complete]) == []
    read = {**complete.record["data"], "mnist1d-seed-43 test": "0" * 64}
    other = dataclasses.replace(complete, record={**complete.record, "data": read})
    (told,) = broken_controls([other])
    assert "mnist1d-seed-43 has 4e77ee2a32b3" in told


def forged(complete, tmp_path, name, change):
    """A copy of the run with another content of a file, hashed as if it had always been there."""
    store, spec = Store(tmp_path), complete.spec
    folder = store.begin(spec)
    for file in complete.record["files"]:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes((complete.folder / file).read_bytes())
    (folder / name).write_text(change((folder / name).read_text()))
    store.finish(spec, complete.record)
    return store.run(spec)


def test_a_retrain_measured_otherwise_than_its_row_says_is_a_contradiction(complete, tmp_path):
    def better(text):
        found = json.loads(text)
        found["top1"]["retrain 3"] += 1.0
        return json.dumps(found)

    changed = forged(complete, tmp_path, "measurements/tickets.json", better)
    assert contradiction(complete) == ""
    assert contradiction(changed).startswith("retrain 3 is measured as")


def test_a_pruned_weight_that_moved_breaks_a_control(complete, tmp_path):
    changed = forged(complete, tmp_path, "history.jsonl", lambda text: text.replace('"moved": 0', '"moved": 2', 1))
    assert broken_controls([changed])[0].startswith("2 pruned weights of residual-mlp-12 pruned by magnitude")


def test_a_retrain_that_diverges_ends_the_search_as_a_result():
    rows, _ = searched(small(learning_rate=1e30, weight_decay=0.0))
    assert len(rows) == 1
    assert rows[0]["train_loss"] is None


def test_weights_side_by_side_are_counted_by_hand():
    mask = torch.tensor([[1, 1, 1, 1, 0.0], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]])
    found = adjacency(mask)
    assert found["beside"] == pytest.approx([3 / 12, 2 / 9, 1 / 6])
    pairs = (4 * 3 + 3 * 2) / 20 / 3
    triples = (4 * 3 * 2 + 3 * 2 * 1) / 60 / 3
    assert found["beside_by_chance"] == pytest.approx([pairs, triples, (4 * 3 * 2 * 1) / 120 / 3])


def test_chance_is_what_shuffling_the_inputs_of_each_unit_gives():
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(200, 40, generator=generator) < torch.linspace(0.05, 0.6, 200)[:, None]).double()
    shuffles = [torch.stack([unit[torch.randperm(40, generator=generator)] for unit in mask]) for _ in range(50)]
    mean = np.mean([adjacency(one)["beside"] for one in shuffles], axis=0)
    assert adjacency(mask)["beside_by_chance"] == pytest.approx(list(mean), rel=0.02)


def test_state_of_a_search_is_at_the_step_that_it_says():
    spec, seen = small(tests=()), []
    net = prepare(spec, CPU)
    state = start(spec, net)
    assert isinstance(state, State)
    list(search(spec, net, data(spec), state, lambda at: seen.append((at.row, at.step))))
    assert seen == [(row, step) for row in range(4) for step in range(7)]
