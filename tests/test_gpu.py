"""The harness of `make gpu` where there is none: parts end in time, and one cannot keep another from running."""

import argparse
import json
import os
import subprocess
import sys
import tarfile

import pytest

from repro.executing import shared_rate
from repro.runs.store import Store
from repro.training import ways
from tests import gpu, gpu_parts
from tests.gpu import Part, bring, main, parts, run
from tests.training.short import short


@pytest.fixture
def log(tmp_path):
    with (tmp_path / "log.txt").open("w+") as file:
        yield file


def test_a_part_that_hangs_is_cut_off_with_what_it_started_and_what_it_printed_is_kept(log, tmp_path):
    sleeper = "import time, subprocess, sys; print('began', flush=True); p = subprocess.Popen(['sleep', '999'])"
    sleeper += f"; open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); time.sleep(999)"
    run(Part("hangs", ("-c", sleeper), 2.0), 5.0, log)
    run(Part("fails", ("-c", "raise SystemExit('broken')"), 9.0), 9.0, log)
    run(Part("late", ("-c", "print('never')"), 9.0), 0.0, log)
    log.seek(0)
    text = log.read()
    assert "began" in text
    assert "== hangs: cut off" in text
    assert "broken\n== fails: exit 1" in text
    assert "== late: no time left" in text and "never" not in text
    state = subprocess.run(["ps", "-o", "stat=", "-p", (tmp_path / "pid").read_text()], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")


def test_a_part_that_there_is_none_of_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu", str(tmp_path / "out"), "--parts", "smoke,wayz"])
    with pytest.raises(SystemExit, match="'wayz' is none of bench, beside, beside-resnet-110"):
        main()
    assert not (tmp_path / "out").exists()


def given(tmp_path, device="cpu"):
    return argparse.Namespace(
        out=tmp_path / "out",
        results=tmp_path / "none",
        data_dir=tmp_path,
        device=device,
        claims=["claims/frankle2021"],
        paper="bn-only-by-depth",
    )


def test_the_limits_before_the_exports_leave_them_their_time(tmp_path):
    limits = {part.name: part.seconds for part in parts(given(tmp_path)) if part.name != "paper"}
    before = [limits[name] for name in list(limits)[: list(limits).index("export-pilot")]]
    assert sum(before) + limits["export-pilot"] < 9 * 60 - gpu.GRACE


def test_without_a_gpu_it_stops_at_once_and_says_so(tmp_path):
    """Versions come first, so that the log holds them whatever happens then."""
    words = [sys.executable, "-m", "tests.gpu", str(tmp_path / "out"), "--results", str(tmp_path / "none")]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([*words, "--parts", "export"], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    text = (tmp_path / "out" / "log.txt").read_text()
    assert '"torch": "' in text and '"code": "' in text
    assert "sees no GPU (torch.cuda.is_available() is false)" in text
    assert "== export" not in text


def test_what_is_known_comes_home_after_every_part(log, tmp_path):
    results, out = tmp_path / "store", tmp_path / "out"
    for folder, content in (
        (results / "a", json.dumps({"error": "x", "traceback": "Traceback of a"})),
        (tmp_path / "store-by-way" / "fused" / "b", '{"trace'),
        (results / ".bench", "{}"),
    ):
        folder.mkdir(parents=True)
        (folder / ("NVIDIA-H200.json" if folder.name == ".bench" else "failure.json")).write_text(content)
    out.mkdir()
    (out / "pilot.tar.xz").write_bytes(bytes(gpu.MOST + 1))
    bring(results, out, log)
    assert (out / "NVIDIA-H200.json").read_text() == "{}"
    failures = (out / "failures.txt").read_text()
    assert "a/failure.json\nTraceback of a\n" in failures and 'b/failure.json\n{"trace' in failures
    log.seek(0)
    assert "pilot.tar.xz has 16777217 bytes, too many to come home" in log.read()


FORKED = """
import os, signal, sys, time
from functools import partial
from tests.gpu_parts import each_forked

def call(name):
    print(name, flush=True)
    {"crashes": lambda: os.kill(os.getpid(), signal.SIGKILL), "hangs": lambda: time.sleep(999),
     "fails": lambda: 1 / 0, "ends": lambda: None}[name]()

for name, patience in (("crashes", 60.0), ("hangs", 1.0), ("fails", 60.0), ("ends", 60.0)):
    each_forked([partial(call, name)], patience)
"""


def test_a_way_that_crashes_hangs_or_fails_takes_no_other_with_it():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "crashes", "crashes: exit -9", "hangs", "hangs: cut off after 1 s", "fails", "fails: exit 1", "ends",
    ]  # fmt: skip
    assert "ZeroDivisionError" in done.stderr and ", in call" in done.stderr


FAILING = """
from tests.gpu_parts import only
from repro.training import ways

def make():
    raise RuntimeError("no kernel\\nimage")

only("fused")
found = ways.fastest("plain", {"fused": make}, differs=str, pace=lambda _: 0.001, left=1, within=40.0, avoid={})
print(found.passed_over)
"""


def test_a_way_that_is_passed_over_leaves_its_traceback_however_short_the_run():
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, check=True)
    assert done.stdout == "{'fused': 'RuntimeError: no kernel'}\n"
    assert ", in make" in done.stderr


def test_a_whole_run_by_each_way_is_told_and_packed(tmp_path, capsys, monkeypatch):
    for name in ("WORTH", "_short"):  # put back afterwards
        monkeypatch.setattr(ways, name, getattr(ways, name))
    stores = tmp_path / "store-by-way"
    gpu_parts.one_run(short(), "eager", stores / "eager", tmp_path, "cpu")
    told = json.loads(capsys.readouterr().out)
    assert (told["tried"], told["way"], told["outcome"]) == ("eager", "eager", "trained")
    assert len(told["test_top1"]) == len(told["train_loss"]) == short().epochs
    gpu_parts.packed(stores, tmp_path / "by-way.tar.xz")
    with tarfile.open(tmp_path / "by-way.tar.xz") as archive:
        archive.extractall(tmp_path / "there", filter="data")
    there = Store(tmp_path / "there" / "store-by-way" / "eager")
    assert there.run(short()).history[-1]["test_top1"] == told["test_top1"][-1]


def test_whole_runs_that_cannot_be_trained_are_told_and_leave_what_there_is(tmp_path):
    words = [sys.executable, "-m", "tests.gpu_parts", "--device", "cpu", "--results", str(tmp_path / "store")]
    words += ["--data-dir", str(tmp_path), "whole", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name}, cpu: exit 1" for name in ("eager", "captured", "fused")]
    assert done.stderr.count("DataError: ") == 3
    assert tarfile.is_tarfile(tmp_path / "by-way.tar.xz")


def test_threads_are_measured_before_processes_and_what_fails_keeps_none_from_it(tmp_path, monkeypatch, capsys):
    rates = {(1, False): 100.0, (2, True): None, (4, True): None, (2, False): 150.0}
    monkeypatch.setattr(shared_rate, "measured_rate", lambda *_, **__: lambda spec, *asked: rates[asked])
    gpu_parts.sharing(argparse.Namespace(network="resnet-14", data_dir=tmp_path, device="cpu"))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(one["runs"], one["threads"]): one["images_per_second"] for one in told} == rates
    assert [(one["runs"], one["threads"]) for one in told] == [*rates]


def test_the_run_that_is_trained_by_each_way_is_one_of_the_pilot():
    assert (gpu_parts.whole_spec().epochs, gpu_parts.whole_spec().dataset) == (16, "cifar10-jpeg")


def test_a_processor_goes_through_it(tmp_path):
    words = [sys.executable, "-m", "tests.gpu", str(tmp_path / "out"), "--results", str(tmp_path / "none")]
    words += ["--device", "cpu", "--parts", "ways-resnet-14,export"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    text = (tmp_path / "out" / "log.txt").read_text()
    assert text.startswith("== versions: ")
    assert '"resnet-14", "precision": "float32", "tried": "fused", "way": "eager"}\n== ways-resnet-14: exit 0' in text
    assert "== export-pilot: exit 2" in text  # nothing was trained
    assert done.stdout.rstrip() == text.rstrip()
