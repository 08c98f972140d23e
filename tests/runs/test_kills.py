"""A writer killed at any line of the store leaves a run that is missing, paused or complete, never half."""

import os
import sys
from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.recipes import cifar
from repro.runs import archive, arrival, files, lease, run, store, transfer
from repro.runs.checkpoint import pack
from repro.runs.lease import Lease
from repro.runs.store import Store
from repro.runs.transfer import export, take_in
from tests.made import finished, paused

SPEC = cifar("smoke", 0, depth=8)
# What a killed process leaves open is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
WRITING = {Path(module.__file__).as_posix() for module in (archive, arrival, files, lease, run, store, transfer)}


class Killed(BaseException):
    """No handler may run after a kill, so clean-up is kept from working as well."""


def run_until(line, call):
    """Whether a call got to its end before the n-th line of the store's writing, where it is killed."""
    count, dead = 0, False

    def trace(frame, event, _argument):
        nonlocal count, dead
        if frame.f_code.co_filename not in WRITING:
            return None
        if event == "line":
            count += 1
            if dead or count >= line:
                dead = True  # every later line dies too: finally blocks do nothing
                raise Killed
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except (Killed, ReproError):
        pass
    finally:
        sys.settrace(before)
    return not dead


def killed_everywhere(tmp_path, prepare, write, allowed, stride):
    """Kills ``write`` at every ``stride``-th line; each time the store can be read, and the next writer gets there."""
    conditions, line = set(), 1
    while True:
        here = Store(tmp_path / str(line))
        prepare(here)
        done = run_until(line, lambda here=here: write(here))
        for path in here.root.rglob("*lease[.-]*"):  # of a process that is dead in truth
            path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {2**22 + 1}'))
            os.utime(path, (0, 0))
        condition = here.condition(SPEC)
        conditions.add(condition)
        assert condition in allowed, f"killed at line {line}"
        if condition == "complete":
            here.run(SPEC).check()
        elif condition == "paused":
            export(here, [SPEC], tmp_path / "checked.tar.xz")
        if done:
            return conditions
        prepare(here)
        write(here)
        Lease.take(here.folder(SPEC)).release()
        assert here.condition(SPEC) == "complete"
        assert not list(here.folder(SPEC).rglob(".*")), f"killed at line {line}"
        line += stride


def nothing(here):
    """An empty store."""


def pause(here):
    if here.condition(SPEC) == "missing":
        paused(here, SPEC, epoch=2)


def almost_finish(here):
    """A run at its last checkpoint, with all that its record will name."""
    if here.condition(SPEC) == "missing":
        folder = finished(here, SPEC).folder
        (folder / "run.json").unlink()
        place = {"epoch": SPEC.rows - 1, "step": 3, "diverged": False, "parts": [], "criteria": {}}
        (folder / "checkpoint.safetensors").write_bytes(
            pack(SPEC, {}, place, b"".join((folder / "history.jsonl").read_bytes().splitlines(keepends=True)[:-1]))
        )


@pytest.mark.parametrize("prepare", [nothing, almost_finish])
def test_a_run_killed_at_any_line_of_finishing_is_never_half(tmp_path, prepare):
    record = finished(Store(tmp_path / "model"), SPEC).record
    write = (lambda here: finished(here, SPEC)) if prepare is nothing else (lambda here: here.finish(SPEC, record))
    found = killed_everywhere(tmp_path, prepare, write, {"missing", "paused", "complete"}, stride=2)
    assert found == ({"missing", "complete"} if prepare is nothing else {"paused", "complete"})


@pytest.mark.parametrize("prepare", [nothing, pause])
def test_an_import_killed_at_any_line_is_never_half(tmp_path, prepare):
    there = Store(tmp_path / "there")
    finished(there, SPEC)
    export(there, [SPEC], tmp_path / "file")
    found = killed_everywhere(
        tmp_path, prepare, lambda here: take_in(here, tmp_path / "file"), {"missing", "paused", "complete"}, stride=17
    )
    assert found == ({"missing", "complete"} if prepare is nothing else {"missing", "paused", "complete"})
