"""What several tests of execution need."""

import contextlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repro.executing import pool


@pytest.fixture
def begin(tmp_path):
    """Starts processes that run a script on a store and on these tests; none outlives its test."""
    begun = []

    def start(code):
        script = tmp_path / "caller.py"
        script.write_text(code)
        arguments = [sys.executable, str(script), str(tmp_path / "results"), str(Path(__file__).parents[2])]
        begun.append(subprocess.Popen(arguments, start_new_session=True))
        return begun[-1]

    yield start
    for process in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def in_threads(monkeypatch):
    """Workers are threads of this process: a process takes eight seconds of a core to import what training needs."""
    monkeypatch.setattr(pool, "ProcessPoolExecutor", lambda workers, *_, **__: ThreadPoolExecutor(workers))
