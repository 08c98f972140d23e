"""The door ``training.run``: what it leaves in the store, and what survives being killed."""

import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from repro.errors import CodeError, StoreError
from repro.provenance import code_digest
from repro.recipes import built, cifar
from repro.runs.files import write
from repro.runs.lease import Lease
from repro.runs.store import CHECKPOINT, Store
from repro.training import measure, run, speed


def short(trained="batchnorm", **changes):
    spec = cifar("smoke", 0, depth=8, trained=trained)
    return dataclasses.replace(spec, **{"epochs": 3, "learning_rate_drops": (1, 2), **changes})


def go(spec, store, pause=lambda: False, criteria=None, **more):
    return run(spec, store, data_dir=Path(), device="cpu", criteria=criteria or {}, pause=pause, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    store = Store(tmp_path_factory.mktemp("whole"))
    assert go(short(), store) == "complete"
    return store.run(short())


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


FREED = """
import resource

import torch

from repro.training import machine


def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    kept = [torch.ones(2**22) for _ in range(8)]  # 16 MiB each: 4,096 pages
    del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


print(min(faults() for _ in range(4)))
machine.settle(torch.device("cpu"))
print(min(faults() for _ in range(4)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in ways of its own")
def test_what_a_step_on_a_cpu_frees_is_there_for_the_next_one():
    """The kernel sets every new page to zero.

    In a process of its own: the tests before leave holes in the heap of this one, with pages that nobody has touched.
    What glibc keeps by itself depends on what happens to lie above it on the heap, so that its thresholds are set.
    """
    kept = {f"MALLOC_{name}_THRESHOLD_": "131072" for name in ("MMAP", "TRIM")}  # what they begin with
    words = [sys.executable, "-c", FREED]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, **kept})
    before, after = map(int, done.stdout.split())
    assert before > 4096 > after


IMPORTED = """
import dataclasses, sys
from pathlib import Path

import torch

from repro.recipes import cifar, sequence
from repro.runs.store import Store
from repro.training import run
from repro.training.optimizers import update_of

spec = dataclasses.replace(cifar("smoke", 0, depth=8), epochs=1, learning_rate_drops=())
run(spec, Store(Path(sys.argv[1])), data_dir=Path(), device="cpu", criteria={}, pause=lambda: False)
trained = torch.ones(3)
trained.grad = torch.ones(3)
update_of(sequence("smoke", 0, "mlp"), trained, {"exp_avg": trained * 0, "exp_avg_sq": trained * 0}, steps=0)(0.1)
print(*(name for name in ("torch._dynamo", "sympy", "torchvision", "triton") if name in sys.modules))
"""


def test_a_process_that_trains_on_a_cpu_imports_no_compiler(tmp_path):
    """Torch imports them behind the back of what constructs an optimiser or fills a network from the meta device."""
    words = [sys.executable, "-c", IMPORTED, str(tmp_path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert Store(tmp_path).folder(short(epochs=1, learning_rate_drops=())).is_dir()
    assert done.stdout.split() == []


def test_peak_memory_is_that_of_the_run_and_not_of_what_its_process_did_before(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system keeps one peak for a whole process")
    size = 2_000_000_000
    taken = b"x" * size
    del taken
    go(short(), Store(tmp_path))
    assert 1e8 < Store(tmp_path).run(short()).record["parts"][0]["peak_memory_bytes"] < size


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


@pytest.mark.parametrize("steps", [1, 15, 16, 31])
def test_paused_and_resumed_equals_uninterrupted(steps, whole, tmp_path):
    store, left = Store(tmp_path), iter(range(steps))
    assert go(short(), store, pause=lambda: next(left, None) is None) == "paused"
    assert store.condition(short()) == "paused"
    assert go(short(), store) == "complete"
    assert store.run(short()).digest == whole.digest
    assert len(store.run(short()).record["parts"]) == 2


def test_a_resumed_run_keeps_the_rules_that_its_training_began_under(tmp_path):
    store, left = Store(tmp_path), iter(range(5))
    go(short(), store, pause=lambda: next(left, None) is None, criteria={"smoke:a": "0" * 64})
    go(short(), store, criteria={"smoke:a": "1" * 64, "smoke:b": "1" * 64})
    assert store.run(short()).record["criteria"] == {"smoke:a": "0" * 64}


WORKER = """
import sys, time
sys.path[:0] = {path!r}
from test_training import go, short, Store
from pathlib import Path
left = iter(range({steps} + 3))
go(short(), Store(Path(sys.argv[1])), checkpoint_every=0.0, pause=lambda: next(left, None) is None and time.sleep(600))
"""


@pytest.mark.parametrize("steps", [2, 40])  # amid the first epoch and after it
def test_killed_and_resumed_equals_uninterrupted(steps, whole, tmp_path):
    """SIGKILL at a checkpoint or near one, as it comes; the next process goes on from the last whole one."""
    store, spec = Store(tmp_path), short()
    code = WORKER.format(path=[str(Path(__file__).parent)], steps=steps)
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    while process.poll() is None:
        position = store.position(spec)
        if position is not None and position["epoch"] * spec.row_steps + position["step"] >= steps:
            break
        time.sleep(0.001)  # the worker needs the core
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store.condition(spec) == "paused"
    assert go(spec, store) == "complete"
    assert store.run(spec).digest == whole.digest


def test_a_checkpoint_of_a_batchnorm_only_resnet_866_is_under_a_megabyte(tmp_path):
    import torch

    from repro.training.checkpoint import Past, write_checkpoint
    from repro.training.learner import learner

    spec = cifar("smoke", 0, depth=866)
    write_checkpoint(tmp_path, spec, learner(spec, Path(), torch.device("cpu")), Past(criteria={}), [])
    assert (tmp_path / CHECKPOINT).stat().st_size < 1_000_000


def test_a_run_that_another_process_holds_is_left_alone(tmp_path):
    store = Store(tmp_path)
    lease = Lease.take(store.begin(short()))
    assert go(short(), store) == "held"
    lease.release()
    assert store.condition(short()) == "missing"


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


def test_a_crash_is_left_behind_with_its_traceback_and_tried_again(tmp_path, monkeypatch):
    store = Store(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("repro.training.learner", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            go(short(), store)
    assert store.condition(short()) == "failed"
    assert "ZeroDivisionError" in store.failure(short())
    assert go(short(), store) == "complete"
    assert not (store.folder(short()) / "failure.json").exists()


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    store = Store(tmp_path)
    write(store.begin(short()) / CHECKPOINT, b"not a checkpoint")
    with pytest.raises(StoreError, match="is damaged .* delete it to train this run from the start"):
        go(short(), store)


def test_a_full_disk_stops_the_run_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def full(path, content):
        path.write_bytes(content[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("repro.runs.files._write_through", full)
        with pytest.raises(StoreError, match="No space left on device. Free some space"):
            go(short(), store)
    assert [path for path in store.folder(short()).rglob("*") if path.is_file()] == []
    assert go(short(), store) == "complete"


def test_a_folder_in_which_no_lease_can_be_taken_is_named(tmp_path, monkeypatch):
    def forbidden(folder):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Lease, "take", forbidden)
    with pytest.raises(StoreError, match=f"{short().key} cannot be written: Read-only file system. Make it writable"):
        go(short(), Store(tmp_path))


def test_the_record_says_which_rules_were_there_first(tmp_path):
    run(short(), Store(tmp_path), data_dir=Path(), device="cpu", criteria={"smoke:x": "hash"}, pause=lambda: False)
    assert Store(tmp_path).run(short()).record["criteria"] == {"smoke:x": "hash"}


def test_history_is_json_a_line(whole):
    lines = (whole.folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    run_json, history = (whole.folder / name for name in ("run.json", "history.jsonl"))
    assert run_json.stat().st_mtime_ns >= history.stat().st_mtime_ns


def test_a_first_life_that_ends_late_never_writes_over_a_second(whole, tmp_path):
    """A process that slept so long that it was taken for dead stops at its next write, wherever it slept."""
    store = Store(tmp_path)
    folder = store.folder(short())

    def sleep_through_a_second_life():
        if sleep_through_a_second_life.steps == 20:  # in the second epoch
            for lease in folder.glob("lease.*"):  # as if it had expired
                lease.unlink()
            assert go(short(), store) == "complete"
        sleep_through_a_second_life.steps += 1
        return False

    sleep_through_a_second_life.steps = 0
    with pytest.raises(StoreError, match="taken over by another process"):
        go(short(), store, pause=sleep_through_a_second_life)
    assert store.run(short()).digest == whole.digest
    assert len(store.run(short()).record["parts"]) == 1
    store.run(short()).check()


def test_code_of_another_digest_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CodeError, match=r"was planned with code 000000000000.*--any-code"):
        go(short(), Store(tmp_path), code="0" * 64)
    assert list(tmp_path.iterdir()) == []
    assert go(short(), Store(tmp_path), code=code_digest()) == "complete"


def test_a_new_attempt_forgets_the_failure_of_the_one_before(tmp_path):
    store = Store(tmp_path)
    store.begin(short())
    store.fail(short(), "out of memory", "")
    assert store.condition(short()) == "failed"
    go(short(), store, pause=lambda: True)
    assert store.condition(short()) == "paused"


def test_a_part_names_the_job_it_was_trained_in(tmp_path, monkeypatch):
    for name, value in {
        "SLURM_JOB_ID": "17", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3", "SLURMD_NODENAME": "n1",
        "SLURM_RESTART_COUNT": "2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    go(short(), Store(tmp_path))
    assert Store(tmp_path).run(short()).record["parts"][0]["job"] == {"id": "12_3", "node": "n1", "restart": 2}


def test_progress_of_a_paused_run_is_the_share_behind_it(tmp_path):
    store, steps = Store(tmp_path), iter(range(1000))
    go(short(), store, pause=lambda: next(steps) >= 23)  # an epoch has 15 steps
    assert store.progress(short()) == pytest.approx((1 + 8 / 15) / 3, abs=0.03)
    (store.folder(short()) / CHECKPOINT).write_bytes(b"torn")
    assert store.progress(short()) == 0.0


def test_speed_is_measured_and_nothing_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert speed(short(), data_dir=Path(), device="cpu", ready=lambda: None, seconds=0.3) > 100
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_without_progress_leaves_no_part(tmp_path):
    store = Store(tmp_path)
    go(short(), store, pause=lambda: True)
    assert store.position(short())["parts"] == []
