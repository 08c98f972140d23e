"""The comparison with the plain loop: what it times on a GPU, and that a part of it is not lost with the rest."""

import argparse
import json
import sys
from pathlib import Path

from tests import beside
from tests.beside import _run, _whole_epochs


def test_on_a_gpu_whole_epochs_are_timed_until_there_are_seconds_of_them():
    now, trained = [100.0], []

    def epoch(number):
        trained.append(number)
        now[0] += 0.75 * beside.SECONDS
        return 50_000

    images, seconds = _whole_epochs(epoch, lambda: now[0])
    assert trained == [1, 2]  # after the one, 0, that warms up
    assert (images, seconds) == (100_000, 1.5 * beside.SECONDS)


def test_what_was_measured_before_a_process_failed_is_kept(tmp_path, monkeypatch, capfd):
    worker = tmp_path / "worker"
    line = json.dumps({"rate": 5.0, "peak": 1, "start": 2.0})
    worker.write_text(f"#!{sys.executable}\nprint('{line}')\nraise MemoryError\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    given = argparse.Namespace(data_dir=Path(), results=Path(), networks="resnet-14", machine=False)
    assert _run(given, "plain") == [{"rate": 5.0, "peak": 1, "start": 2.0}]
    told = capfd.readouterr().err
    assert "MemoryError" in told and "plain: exit 1" in told
