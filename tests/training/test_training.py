"""The door ``training.run``: what it leaves in the store."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from repro.errors import CodeError
from repro.provenance import code_digest
from repro.recipes import built, cifar
from repro.runs.store import CHECKPOINT, Store
from repro.training import measure, run, speed
from tests.training.short import go, short


def test_a_finished_run_has_what_the_report_needs(whole):
    assert whole.record["outcome"] == "trained"
    assert len(whole.history) == 3
    assert set(whole.history[0]) >= {"train_loss", "test_loss", "test_top1", "test_top5", "learning_rate"}
    assert whole.record["frozen_before"] == whole.record["frozen_after"]
    assert whole.record["seconds"] > 0
    assert whole.record["images_per_second"] > 0
    assert whole.record["parts"][0]["peak_memory_bytes"] > 1e6
    assert whole.record["parts"][0]["way"] == "eager"
    assert not (whole.folder / CHECKPOINT).exists()
    assert not list(whole.folder.glob("lease*"))


def test_gamma_and_beta_are_kept_by_name(whole):
    tensors = load_file(whole.folder / "tensors.safetensors")
    assert tensors["bn.weight"].shape == (16,)
    assert tensors["blocks.1.downsample.1.bias"].shape == (32,)
    assert not any("conv" in name for name in tensors)


def test_the_same_spec_gives_the_same_bytes(whole, tmp_path):
    go(short(), Store(tmp_path))
    assert Store(tmp_path).run(short()).digest == whole.digest


def test_the_number_of_threads_of_the_caller_changes_nothing(whole, tmp_path):
    import torch

    torch.set_num_threads(2)
    go(short(), Store(tmp_path))
    assert Store(tmp_path).run(short()).digest == whole.digest
    assert Store(tmp_path).run(short()).record["parts"][0]["threads"] == 1


def test_a_complete_run_is_not_trained_again(whole):
    before = whole.sha256
    assert go(short(), Store(whole.folder.parent)) == "complete"
    assert Store(whole.folder.parent).run(short()).sha256 == before


def test_a_diverged_run_is_a_result(tmp_path):
    spec = short(trained="all", learning_rate=1e30)
    assert go(spec, Store(tmp_path)) == "complete"
    found = Store(tmp_path).run(spec)
    assert found.record["outcome"] == "diverged"
    assert 0 <= found.measurement("accuracy")["top1"] <= 100


def test_a_built_network_is_counted_and_not_trained(tmp_path):
    spec = built(depth=14)
    assert go(spec, Store(tmp_path)) == "complete"
    found = Store(tmp_path).run(spec)
    assert found.record["outcome"] == "built"
    assert found.history == ()
    assert found.measurement("parameters")["total"] == 175_258


def test_what_the_last_row_says_is_not_evaluated_again(tmp_path, monkeypatch):
    evaluated, real = [], measure.evaluate

    def counted(spec, net, examples, split):
        evaluated.append(net)
        return real(spec, net, examples, split)

    monkeypatch.setattr(measure, "evaluate", counted)
    spec = cifar("smoke", 0, depth=8, trained="none")
    go(spec, Store(tmp_path))
    found = Store(tmp_path).run(spec)
    assert len(evaluated) == 1  # the pass that looks at the ReLUs
    row, accuracy = found.history[-1], found.measurement("accuracy")
    assert [accuracy[name] for name in ("loss", "top1", "top5")] == [
        row[f"test_{name}"] for name in ("loss", "top1", "top5")
    ]


def test_the_record_says_which_rules_were_there_first(tmp_path):
    run(short(), Store(tmp_path), data_dir=Path(), device="cpu", criteria={"smoke:x": "hash"}, pause=lambda: False)
    assert Store(tmp_path).run(short()).record["criteria"] == {"smoke:x": "hash"}


def test_every_part_says_when_it_began(tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    go(short(), Store(tmp_path))
    (part,) = Store(tmp_path).run(short()).record["parts"]
    assert before <= datetime.fromisoformat(part["began"]) <= datetime.now(UTC)


def test_history_is_json_a_line(whole):
    lines = (whole.folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    run_json, history = (whole.folder / name for name in ("run.json", "history.jsonl"))
    assert run_json.stat().st_mtime_ns >= history.stat().st_mtime_ns


def test_code_of_another_digest_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CodeError, match=r"was planned with code 000000000000.*--any-code"):
        go(short(), Store(tmp_path), code="0" * 64)
    assert list(tmp_path.iterdir()) == []
    assert go(short(), Store(tmp_path), code=code_digest()) == "complete"


def test_a_part_names_the_job_it_was_trained_in(tmp_path, monkeypatch):
    for name, value in {
        "SLURM_JOB_ID": "17", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3", "SLURMD_NODENAME": "n1",
        "SLURM_RESTART_COUNT": "2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    go(short(), Store(tmp_path))
    assert Store(tmp_path).run(short()).record["parts"][0]["job"] == {"id": "12_3", "node": "n1", "restart": 2}


def test_speed_is_measured_and_nothing_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert speed(short(), data_dir=Path(), device="cpu", ready=lambda: None, seconds=0.3) > 100
    assert list(tmp_path.iterdir()) == []
