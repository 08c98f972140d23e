"""Integrity: a run that contradicts itself, its spec or another seed is named, without torch."""

import contextlib
import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from repro.errors import ClaimError, StoreError
from repro.judging.integrity import broken_controls, contradiction, refuse_contradictions
from repro.judging.judge import judge
from repro.judging.shapes import expected
from repro.judging.verdict import Answer, Verdict
from repro.recipes import cifar, layered
from repro.runs.store import HISTORY, TENSORS, Store
from tests.judging.cases import pruned
from tests.made import check_of, finished


def make(runs):
    return check_of(runs, lambda evidence: evidence.find(higher=evidence.accuracy("BatchNorm"), lower=50.0))


CHECK = make(lambda scale, seed: {"BatchNorm": cifar(scale, seed, depth=8)})


@pytest.fixture
def store(tmp_path, finished):
    """Three honest runs with accuracies of 80 to 82 %."""
    store = Store(tmp_path)
    for seed in range(3):
        finished(store, cifar("smoke", seed, depth=8), top1=80.0 + seed)
    return store


def forge(store, seed, *, files=None, record=None):
    """Changes files and record of a run, and hashes all again as someone would who knows the store."""
    run = store.run(cifar("smoke", seed, depth=8))
    for name, content in (files or {}).items():
        (run.folder / name).write_bytes(content)
    kept = {name: value for name, value in run.record.items() if name != "files"}
    store.finish(run.spec, {**kept, **(record or {})})
    return store.run(run.spec)


def judged(store, thorough=False):
    return judge([CHECK], store, thorough=thorough)[0]


def rows(epochs=12, top1=81.0, **last):
    made = [{"epoch": n, "test_top1": top1, "train_loss": 0.4} for n in range(1, epochs + 1)]
    made[-1] |= last
    return "".join(json.dumps(row) + "\n" for row in made).encode()


def test_honest_runs_are_judged(store):
    assert judged(store, thorough=True).verdict is Verdict.SMOKE


@pytest.mark.parametrize(
    ("files", "record", "words"),
    [
        (
            {HISTORY: rows(test_top1=99.0)},
            {},
            "its accuracy is 81.0 %, but the last row of its history.jsonl has 99.0 %",
        ),
        ({"measurements/accuracy.json": b'{"top1": 99.0, "images": 899}'}, {}, "its accuracy is 99.0 %"),
        ({"measurements/accuracy.json": b'{"top1": 81.0, "images": 10}'}, {}, "its accuracy is over 10 images, but"),
        ({HISTORY: rows(test_top5=42.0)}, {}, "its top-5 accuracy is 99.0 %, but the last row of its history.jsonl"),
        ({HISTORY: rows(epochs=11)}, {}, "its history.jsonl shows 11 of 12 epochs"),
        ({HISTORY: rows(epoch=13)}, {}, "instead of 1, 2, 3"),
        ({HISTORY: b""}, {}, "its history.jsonl shows 0 of 12 epochs"),
        ({HISTORY: rows(train_loss=None)}, {}, "its outcome is 'trained', but its history.jsonl shows"),
        ({}, {"outcome": "diverged"}, "its outcome is 'diverged'"),
    ],
    ids=["history", "accuracy", "images", "top-5", "short", "epochs", "empty", "lost outcome", "forged outcome"],
)
@pytest.mark.parametrize("thorough", [False, True])
def test_run_that_contradicts_itself_is_named_although_every_hash_agrees(store, files, record, words, thorough):
    forged = forge(store, 1, files=files, record=record)
    row = judged(store, thorough)
    assert row.verdict is Verdict.BLOCKED
    assert forged.spec.name in row.why and words in row.why


def test_gpu_may_put_a_few_images_on_another_side_when_it_evaluates_again(store):
    run = store.run(cifar("smoke", 1, depth=8))
    part = {**run.record["parts"][0], "device_type": "cuda"}
    files = {HISTORY: rows(test_top1=81.0 + 200 / 899)}
    forge(store, 1, files=files)
    assert judged(store).verdict is Verdict.BLOCKED
    forge(store, 1, files=files, record={"parts": [part]})
    assert judged(store).verdict is Verdict.SMOKE


@pytest.mark.parametrize(("parts", "sound"), [(("cuda", "cpu"), False), (("cpu", "cuda"), True)], ids=str)
def test_the_device_of_the_last_part_says_whether_images_may_fall_on_another_side(store, parts, sound):
    first = store.run(cifar("smoke", 1, depth=8)).record["parts"][0]
    parts = [{**first, "device_type": device_type} for device_type in parts]
    run = forge(store, 1, files={HISTORY: rows(test_top1=81.0 + 200 / 899)}, record={"parts": parts})
    assert (contradiction(run) == "") == sound


@pytest.mark.parametrize(
    ("kind", "names", "fields"),
    [
        ("tensors", (TENSORS,), ()),
        ("losses", (HISTORY, "measurements/accuracy.json"), ()),
        ("frozen weights", (), ("frozen_before", "frozen_after")),
    ],
)
def test_seed_that_is_a_copy_of_another_is_named(store, kind, names, fields):
    original = store.run(cifar("smoke", 0, depth=8))
    copied = {name: original.read(name) for name in names}
    forge(store, 2, files=copied, record={name: original.record[name] for name in fields})
    row = judged(store)
    assert row.verdict is Verdict.BLOCKED
    assert "seed 2" in row.why and f"its {kind} equal those of seed 0 in arm 'BatchNorm'" in row.why


def test_seed_that_is_a_copy_of_another_is_named_in_whichever_arm(store):
    copied = forge(store, 2, files={TENSORS: store.run(cifar("smoke", 0, depth=8)).read(TENSORS)})
    arms = {"one": [store.run(cifar("smoke", 1, depth=8))], "two": [store.run(cifar("smoke", 0, depth=8)), copied]}
    with pytest.raises(StoreError, match="its tensors equal those of seed 0 in arm 'two'"):
        refuse_contradictions(arms, thorough=False)


@pytest.mark.parametrize(
    ("top1", "words"),
    [
        ({"retrain 1": 90.0, "retrain 3": 50.0}, ""),
        ({"retrain 1": 80.0, "retrain 3": 50.0}, "retrain 1 is measured as 80.0 %, but its history.jsonl has 90.0 %"),
        ({"retrain 3": 50.0}, "it measures the retrains ['retrain 3'], and keeps ['retrain 1', 'retrain 3']"),
        (
            {"retrain 1": 90.0, "retrain 2": 70.0, "retrain 3": 50.0},
            "it measures the retrains ['retrain 1', 'retrain 2', 'retrain 3'], and keeps ['retrain 1', 'retrain 3']",
        ),
    ],
    ids=["sound", "accuracy", "one fewer", "one more"],
)
def test_a_ticket_measures_the_retrains_that_it_keeps_as_its_history_has_them(tmp_path, top1, words):
    assert contradiction(pruned(Store(tmp_path), measured=top1)) == words


@pytest.mark.parametrize("moved", [(1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=str)
def test_a_pruned_weight_that_moved_in_any_retrain_is_named(tmp_path, moved):
    run = pruned(Store(tmp_path), moved=moved)
    assert broken_controls([run]) == [f"1 pruned weights of {run.spec.name} are not 0."]


def test_networks_that_are_only_built_may_be_the_same_for_every_seed(tmp_path):
    specs = [dataclasses.replace(cifar("smoke", seed, depth=8), epochs=0, learning_rate_drops=()) for seed in range(2)]
    runs = [finished(Store(tmp_path), spec, frozen_before="a" * 64, frozen_after="a" * 64) for spec in specs]
    refuse_contradictions({"arm": runs}, thorough=True)


def test_frozen_tensor_that_moved_makes_what_reads_the_run_invalid(store):
    forged = forge(store, 1, record={"frozen_after": "0" * 64})
    row = judged(store)
    assert row.verdict is Verdict.INVALID
    assert f"frozen tensors of {forged.spec.name} are not what they were before training" in row.why


def test_other_images_than_the_spec_names_make_what_reads_the_run_invalid(store):
    forged = forge(store, 1, record={"data": {"train": "0" * 64, "test": "1" * 64}})
    row = judged(store)
    assert row.verdict is Verdict.INVALID
    assert f"{forged.spec.name} read train images of fingerprint 000000000000…" in row.why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: {**tensors, "extra": np.zeros(2, np.float32)}, "holds extra as (2,)"),
        (
            lambda tensors: {**tensors, "bn.weight": np.ones(3, np.float32)},
            "bn.weight as (3,), but the spec asks for (16,)",
        ),
        (lambda tensors: dict(list(tensors.items())[1:]), "as nothing, but the spec asks for"),
        (
            lambda tensors: {name: tensor.astype(np.float64) for name, tensor in tensors.items()},
            "as F64, and a run keeps float32",
        ),
        (
            lambda tensors: {**tensors, "bn.weight": np.append(tensors["bn.weight"][1:], np.float32("nan"))},
            "holds values of bn.weight that are not numbers, but its outcome is 'trained'",
        ),
    ],
    ids=["extra", "shape", "missing", "type", "no numbers"],
)
def test_tensors_of_another_network_are_found_by_a_thorough_judge(store, change, words):
    run = store.run(cifar("smoke", 1, depth=8))
    forge(store, 1, files={TENSORS: save(change(load(run.read(TENSORS))))})
    row = judged(store, thorough=True)
    assert row.verdict is Verdict.BLOCKED and words in row.why


def test_a_share_of_small_gamma_that_the_tensors_do_not_have_is_found_by_a_thorough_judge(store):
    run = store.run(cifar("smoke", 0, depth=8))
    count = sum(shape[0] for name, shape in expected(run.spec).items() if name.endswith(".weight"))
    measured = {"count": count, "thresholds": [0.01, 0.1], "share_below": [1.0, 1.0]}  # every γ is the seed: 0
    forge(store, 0, files={"measurements/affine.json": json.dumps(measured).encode()})
    assert judged(store, thorough=True).verdict is Verdict.SMOKE
    forge(store, 0, files={"measurements/affine.json": json.dumps(measured | {"share_below": [0.3, 1.0]}).encode()})
    assert judged(store).verdict is Verdict.SMOKE
    row = judged(store, thorough=True)
    assert row.verdict is Verdict.BLOCKED
    assert "a share of 0.3000 of its |γ| is measured below 0.01, but its tensors.safetensors has 1.0000" in row.why


@pytest.mark.parametrize(("off", "sound"), [(1, True), (2, False)])
def test_a_share_of_small_gamma_may_be_off_by_one_of_them(store, off, sound):
    run = store.run(cifar("smoke", 0, depth=8))
    count = sum(shape[0] for name, shape in expected(run.spec).items() if name.endswith(".weight"))
    measured = {"count": count, "thresholds": [0.01], "share_below": [1 - off / count]}  # every γ is the seed: 0
    run = forge(store, 0, files={"measurements/affine.json": json.dumps(measured).encode()})
    refused = contextlib.nullcontext() if sound else pytest.raises(StoreError, match="is measured below 0.01")
    with refused:
        refuse_contradictions({"arm": [run]}, thorough=True)


def test_a_run_that_diverged_may_keep_tensors_that_are_no_numbers(store):
    spec = cifar("smoke", 1, depth=8)
    tensors = load(store.run(spec).read(TENSORS))
    tensors["bn.weight"][-1] = np.nan
    forge(store, 1, files={TENSORS: save(tensors), HISTORY: rows(epochs=1, train_loss=None)})
    forge(store, 1, record={"outcome": "diverged"})
    assert judged(store, thorough=True).verdict is Verdict.SMOKE


def test_tensors_that_are_none_are_found_by_a_thorough_judge(store):
    forge(store, 1, files={TENSORS: b"none"})
    assert "cannot be read" in judged(store, thorough=True).why


@pytest.mark.parametrize("name", ["run.json", "spec.json", HISTORY, TENSORS, "measurements/accuracy.json"])
def test_any_byte_that_changed_is_found_by_a_thorough_judge(store, name):
    path = store.folder(cifar("smoke", 1, depth=8)) / name
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    assert path.read_bytes() != content
    assert judged(store, thorough=True).verdict is Verdict.BLOCKED


@pytest.mark.parametrize(
    "runs",
    [
        lambda scale, seed: {"BatchNorm": cifar(scale, 0, depth=8)},
        lambda scale, seed: {"BatchNorm": cifar(scale, seed + 1, depth=8)},
        lambda scale, seed: {"BatchNorm": cifar(scale, 2 - seed, depth=8)},
    ],
    ids=["one run for all", "shifted", "reversed"],
)
def test_replicate_that_is_not_the_run_of_its_seed_is_refused(runs):
    with pytest.raises(ClaimError, match="as replicate [01]; pass its seed on"):
        make(runs).arms(3)


def test_arms_that_change_with_the_seed_are_refused():
    with pytest.raises(ClaimError, match="names other arms for seed 1 than for seed 0"):
        make(lambda scale, seed: {f"arm {seed}": cifar(scale, seed, depth=8)}).arms(3)


ROW = {"epoch": 1, "train_loss": 0.4, "test_top1": 80.0}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (HISTORY, {**ROW, "test_top1": "80.0"}),
        (HISTORY, {**ROW, "test_top1": 250.0}),
        (HISTORY, {"epoch": 1, "train_loss": 0.4}),
        (HISTORY, {**ROW, "epoch": True}),
        ("measurements/accuracy.json", {"top1": "80", "images": 899}),
        ("measurements/accuracy.json", {"top1": 80.0, "images": 0}),
        ("measurements/accuracy.json", {"top1": 80.0, "images": "899"}),
        ("measurements/accuracy.json", {"top1": 80.0}),
        (HISTORY, {**ROW, "test_loss": []}),
        (HISTORY, {**ROW, "test_top5": "x"}),
        ("measurements/accuracy.json", {"top1": 80.0, "images": 899, "top5": "y"}),
        ("measurements/accuracy.json", {"top1": 80.0, "images": 899, "top5": float("nan")}),
    ],
)
def test_a_value_that_no_run_measures_blocks_its_check_and_is_named(store, name, found):
    lines = store.run(cifar("smoke", 0, depth=8)).folder.joinpath(name).read_bytes().splitlines(keepends=True)
    rest = b"".join(lines[1:]) if name == HISTORY else b""
    forge(store, 0, files={name: json.dumps(found).encode() + b"\n" + rest})
    row = judge([CHECK], store)[0]
    assert row.verdict is Verdict.BLOCKED
    assert f"{name} is not what a run writes (" in row.why


def test_seeds_whose_frozen_tensors_are_the_same_by_their_recipe_are_no_copies(tmp_path):
    """γ = 1 and β = 0 are all that stays where everything else is trained."""
    specs = [cifar("smoke", seed, depth=8, trained="all-but-batchnorm", norm_init="ones") for seed in range(3)]
    runs = [finished(Store(tmp_path), spec, frozen_before="a" * 64, frozen_after="a" * 64) for spec in specs]
    refuse_contradictions({"arm": runs}, thorough=False)


def test_seeds_that_all_diverged_in_their_first_epoch_are_no_copies_and_break_no_verdict(tmp_path):
    """Nothing that was kept of them is a number: chance accuracy, no loss, tensors that may all be alike."""
    store, lost = Store(tmp_path), layered("smoke", 0, depth=8, norm="none")
    arms = {"BatchNorm": layered("smoke", 0, depth=8), "none": lost}
    check = check_of(
        lambda scale, seed: {arm: dataclasses.replace(spec, seed=seed) for arm, spec in arms.items()},
        lambda evidence: evidence.find(higher=evidence.accuracy("BatchNorm"), lower=evidence.accuracy("none")),
    )
    for seed in range(3):
        finished(store, dataclasses.replace(arms["BatchNorm"], seed=seed), top1=96.0 + seed / 10)
        run = finished(store, dataclasses.replace(lost, seed=seed), top1=9.9, outcome="diverged")
        row = {"epoch": 1, "test_top1": 9.9, "train_loss": None, "test_loss": None}
        (run.folder / HISTORY).write_text(json.dumps(row) + "\n")
        alike = {name: np.full(shape, np.nan, np.float32) for name, shape in expected(lost).items()}
        (run.folder / TENSORS).write_bytes(save(alike))
        store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
    (row,) = judge([check], store, thorough=True)
    assert (row.verdict, row.answer) == (Verdict.SMOKE, Answer.SEEN)
    assert any(text.startswith("diverged: ") and "seed 2" in text for text in row.deviations)


def test_a_diverged_run_whose_losses_are_those_of_another_seed_is_a_copy(tmp_path):
    store, rows = Store(tmp_path), []
    for seed in range(2):
        run = finished(store, cifar("smoke", seed, depth=8), top1=9.9, outcome="diverged")
        lines = [{"epoch": 1, "test_top1": 50.0, "train_loss": 1.25, "test_loss": 1.5}]
        lines += [{"epoch": 2, "test_top1": 9.9, "train_loss": None, "test_loss": None}]
        (run.folder / HISTORY).write_text("".join(json.dumps(line) + "\n" for line in lines))
        store.finish(run.spec, {name: value for name, value in run.record.items() if name != "files"})
        rows.append(store.run(run.spec))
    with pytest.raises(StoreError, match="its losses equal those of seed 0"):
        refuse_contradictions({"arm": rows}, thorough=False)


def test_a_record_copied_into_the_folder_of_another_run_is_not_taken_for_one_that_was_read(store, finished):
    first, second = (finished(store, cifar("smoke", seed, depth=8), top1=70.0 + seed) for seed in (0, 1))
    sound = set()
    refuse_contradictions({"arm": [first]}, thorough=True, sound=sound)
    copied = dataclasses.replace(second, record=first.record, sha256=first.sha256)
    with pytest.raises(StoreError, match="was changed after the run"):
        refuse_contradictions({"arm": [copied]}, thorough=True, sound=sound)
