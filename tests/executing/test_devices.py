"""Which devices a call trains on, and what it looks at before it starts a worker."""

import pytest

from repro.errors import SpecError
from repro.executing import devices as module
from repro.executing.devices import devices, processes, refuse_absent, visible_gpus
from repro.executing.pool import train
from repro.executing.signals import Stop
from repro.executing.worker import Setup
from repro.planning.plan import plan
from repro.runs.store import Store
from tests.executing.test_execute import check_of, tiny


@pytest.fixture
def gpus(monkeypatch):
    monkeypatch.setattr(module, "detect_device", lambda: "cuda")


def test_every_gpu_is_used_by_default(gpus):
    assert devices("auto", {"CUDA_VISIBLE_DEVICES": "3,5,7"}) == ("cuda:0", "cuda:1", "cuda:2")


def test_one_gpu_is_the_one_of_torch(gpus):
    assert devices("auto", {"CUDA_VISIBLE_DEVICES": "5"}) == ("cuda",)


def test_named_devices_are_taken_as_they_are():
    assert devices("cuda:0,cuda:2", {}) == ("cuda:0", "cuda:2")
    assert devices("cpu", {}) == ("cpu",)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:0,cuda:1"])
def test_a_gpu_is_refused_where_there_is_no_driver(wanted, monkeypatch):
    monkeypatch.setattr(module, "detect_device", lambda: "cpu")
    with pytest.raises(SpecError, match=f"^--device is {wanted}, but no NVIDIA driver is loaded here; name cpu"):
        refuse_absent(wanted, {})
    refuse_absent("cpu", {})
    refuse_absent("auto", {})


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(gpus):
    two = {"CUDA_VISIBLE_DEVICES": "4,6"}
    refuse_absent("cuda:0,cuda:1", two)
    with pytest.raises(SpecError, match="^--device names cuda:2, but there are cuda:0 to cuda:1; name those"):
        refuse_absent("cuda:0,cuda:2", two)


def test_gpus_are_counted_from_the_driver_where_its_tool_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)
    assert visible_gpus({}, tmp_path / "gpus") == 2


def test_gpus_are_counted_as_the_tool_lists_them(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A'\necho '  MIG 1g.5gb'\necho 'GPU 1: B'\necho 'GPU 2: C'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert visible_gpus({}, tmp_path) == 3


def test_each_gpu_gets_one_worker():
    assert processes(("cuda:0", "cuda:1")) == 2
    assert processes(("cuda",)) == 1
    assert processes(("cpu",)) >= 1


def test_workers_share_the_devices_out_among_themselves(tmp_path, monkeypatch):
    drawn = []

    class Pool:
        def __init__(self, workers, context, initializer, initargs):
            drawn.extend(initargs[1].get() for _ in range(workers))

        def shutdown(self, **_):
            pass

    monkeypatch.setattr("repro.executing.pool.ProcessPoolExecutor", Pool)
    monkeypatch.setattr("repro.executing.pool._drain", lambda queue, *_: queue.clear())
    found = ("cuda:0", "cuda:1")
    setup = Setup(store=Store(tmp_path), data_dir=tmp_path, device="cuda:0", devices=found, workers=4, deadline=None)
    with Stop() as stop:
        train(
            plan(
                [check_of(lambda scale, seed: {str(i): tiny(seed, epochs=1 + i) for i in range(4)})],
                setup.store,
                device_type="cpu",
            ).missing,
            setup,
            stop,
            print,
        )
    assert drawn == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles", "-1,0"])
def test_gpus_that_are_hidden_are_not_there(gpus, hidden):
    environment = {"CUDA_VISIBLE_DEVICES": hidden}
    assert devices("auto", environment) == ("cpu",)
    with pytest.raises(SpecError, match="CUDA_VISIBLE_DEVICES hides every GPU; unset it, or name cpu"):
        refuse_absent("cuda", environment)


def test_gpus_end_at_the_first_that_is_none(gpus):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3,-1,5"}) == 1


@pytest.mark.parametrize("named", ["cuda:0,cuda:0", "cuda,cuda:0"])
def test_a_device_named_twice_is_refused(gpus, named):
    with pytest.raises(SpecError, match="names a device twice"):
        refuse_absent(named, {"CUDA_VISIBLE_DEVICES": "0,1"})
