"""The trainer in the background: one a machine and store, it waits for others, and leaves word of itself."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.executing import background
from repro.executing.background_state import TrainerFiles, line
from repro.executing.execute import Tally
from repro.executing.load import Load, PausePolicy
from repro.planning.plan import plan
from repro.runs.store import Store
from tests.executing.test_execute import check_of, tiny

IDLE, BUSY = Load(busy=0.0, free=10**12, memory=10**12), Load(busy=0.0, free=1, memory=10**12)
SLEEPER = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up', flush=True)"
COMMAND = [sys.executable, "-c", f"{SLEEPER}; signal.pause()"]


@pytest.fixture
def files(tmp_path):
    made = TrainerFiles(Store(tmp_path / "results"))
    yield made
    if (pid := made.pid()) is not None:
        os.killpg(pid, signal.SIGKILL)


def until(true):
    """Waits as long as it takes: no test depends on how fast the machine is."""
    while not true():
        time.sleep(0.05)


def train(files, run, looks, **more):
    """The trainer, with looks at the machine that are made up; the last one repeats."""
    looks = list(looks)
    policy = PausePolicy(pause_above=1.0, workers=1)
    return background.train(
        files,
        run,
        probe=lambda: looks.pop(0) if len(looks) > 1 else looks[0],
        policy=policy,
        listener=lambda *_: None,
        every=0.01,
        **more,
    )


def test_it_runs_in_a_session_of_its_own(files):
    pid = background.start(files, COMMAND)
    assert os.getsid(pid) == pid != os.getsid(0)
    assert files.pid() == pid


def test_it_outlives_whoever_started_it(files, tmp_path):
    code = (
        "import sys; from pathlib import Path; from repro.executing import background; "
        "from repro.executing.background_state import TrainerFiles; from repro.runs.store import Store; "
        f"print(background.start(TrainerFiles(Store(Path(sys.argv[1]))), {COMMAND!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(files.store.root)], capture_output=True, text=True)
    assert files.pid() == int(done.stdout)


def test_a_second_one_is_refused_by_name(files):
    pid = background.start(files, COMMAND)
    with pytest.raises(StoreError, match=rf"already running in the background \(process {pid}\).*--stop"):
        background.start(files, COMMAND)


def test_it_is_stopped_and_may_be_started_again(files):
    first = background.start(files, COMMAND)
    until(lambda: "up" in files.log.read_text())
    assert background.stop(files, lambda: os.waitpid(first, os.WNOHANG))
    assert files.pid() is None
    assert background.start(files, COMMAND) != first


def test_stopping_none_says_so(files):
    assert not background.stop(files, lambda: pytest.fail("nothing to wait for"))


def test_it_waits_while_others_need_the_machine_and_then_trains(files):
    states = []

    def run(stop, budget, listener):
        states.append(files.read()["doing"])
        return Tally()

    train(files, run, [BUSY] * 4 + [IDLE])
    assert states == ["waiting"]
    assert (files.read()["doing"], files.read()["why"]) == ("ended", "")


def test_it_pauses_runs_under_way_and_resumes_them_later(files):
    rounds = []

    def run(stop, budget, listener):
        rounds.append(stop.event.is_set())
        if len(rounds) == 1:
            stop.event.wait()  # until somebody needs the machine
        return Tally(stopped=len(rounds) == 1)

    tally = train(files, run, [IDLE, BUSY, BUSY, IDLE])
    assert len(rounds) == 2
    assert not rounds[1]  # on a busy machine the first may begin only after somebody has needed it
    assert not tally.stopped


def test_it_goes_on_where_others_are_gone_before_its_runs_have_paused(files):
    rounds = []

    def run(stop, budget, listener):
        rounds.append(stop.event.wait(60) if not rounds else stop.event.is_set())
        if len(rounds) == 1:
            while files.read().get("why"):  # the watch goes on, and finds the machine idle again
                time.sleep(0.01)
        return Tally(stopped=len(rounds) == 1)

    tally = train(files, run, [IDLE, BUSY, *[IDLE] * 50])
    assert rounds == [True, False]
    assert not tally.stopped


def test_a_signal_while_it_waits_ends_it(files):
    looks = iter(range(10))

    def look():
        if next(looks) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return BUSY

    tally = background.train(
        files,
        lambda *_: pytest.fail("others need the machine"),
        probe=look,
        policy=PausePolicy(pause_above=1.0, workers=1),
        listener=lambda *_: None,
        every=0.01,
    )
    assert tally.stopped


def test_a_deadline_ends_the_waiting(files):
    assert train(files, lambda *_: pytest.fail("others need the machine"), [BUSY], budget=0.1).stopped


def test_the_time_left_is_handed_on(files):
    budgets = []

    def run(stop, budget, listener):
        budgets.append(budget)
        return Tally()

    train(files, run, [IDLE], budget=1e6)
    assert 0 < budgets[0] <= 1e6


def test_an_error_is_left_in_the_line(files):
    def run(stop, budget, listener):
        raise StoreError("the disk is full.")

    with pytest.raises(StoreError):
        train(files, run, [IDLE])
    assert line(files).startswith("ended (the disk is full.); log ")


def test_the_line_counts_runs_and_says_what_is_left(files, paused):
    spec = tiny(0, epochs=4)
    paused(files.store, spec, epoch=1)
    check = check_of(lambda scale, seed: {"one": spec, "two": tiny(seed, epochs=5)})

    def run(stop, budget, listener):
        listener(plan([check], files.store, device_type="cpu"), Tally(), None)
        return Tally(stopped=True)

    train(files, run, [IDLE])
    assert line(files).startswith("ended, 0 of 2 runs complete, 1 begun, about ")


def test_on_a_full_disk_none_is_started(files, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched, pytest.raises(StoreError, match="No space left on device"):
        patched.setattr(os, "posix_spawn", lambda *_, **__: pytest.fail("started"))
        patched.setattr(os, "write", full)
        background.start(files, COMMAND)
    assert files.pid() is None


def test_one_whose_starter_was_killed_before_it_wrote_the_pid_is_known_by_its_state(files, monkeypatch):
    pid = background.start(files, COMMAND)
    files.lock.write_text("")
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert files.pid() is None
    files.write({"pid": pid, "doing": "training", "why": "", "deadline": None})
    assert files.pid() == pid


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{}", "\\ud800", '{"pid": 1}'])
def test_a_damaged_state_is_none(files, text):
    files.folder.mkdir(parents=True)
    (files.folder / "state.json").write_text(text)
    assert files.read() is None


def test_one_that_was_killed_is_known_by_its_lock(files):
    pid = background.start(files, COMMAND)
    files.write({"pid": pid, "doing": "training", "why": "", "deadline": None})
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert line(files).startswith("killed (restart it to resume from its checkpoints); log ")


def test_where_none_ever_was_the_line_says_how_to_start_one(files):
    assert "repro run --background" in line(files)


def test_it_is_at_the_lowest_priority(tmp_path):
    code = (
        "import os; from repro.executing.background import give_way; give_way(); "
        "print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, open('/proc/self/oom_score_adj').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert done.stdout.split() == ["19", "True", "1000"]


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel does not group sessions")
def test_a_session_that_is_not_its_own_keeps_its_priority():
    before = Path("/proc/self/autogroup").read_text()
    code = "from repro.executing.background import give_way; give_way()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path("/proc/self/autogroup").read_text() == before


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel does not group sessions")
def test_its_whole_session_gives_way_to_others():
    """Niceness alone counts within a session: a trainer in one of its own would take an equal share of the cores."""
    code = "from repro.executing.background import give_way; give_way(); print(open('/proc/self/autogroup').read())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert done.stdout.split()[-2:] == ["nice", "19"]


CLAIM = '''\
"""A network that is built and not trained."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Measure
from repro.recipes import SCALES, built


@claim(
    id="built",
    sentence="Networks can be built.",
    source=Source(work="test", place="here", tag="?", reference=""),
    rule=Measure(reason="a test"),
    grid=dict.fromkeys(SCALES, ({},)),
    runs=lambda scale, seed: {"built": built(depth=8)},
    depends_on=(),
    testable=dict.fromkeys(SCALES, "a network that is built is one at every scale"),
    looks=ONE_LOOK,
)
def test_built(evidence):
    evidence.find(sample=evidence.sample("built", lambda run: 1.0, label="built", unit="%", step=1.0))
'''


def repro(folder, *arguments):
    return subprocess.run([sys.executable, "-m", "repro.cli", *arguments], cwd=folder, capture_output=True, text=True)


def test_from_the_command_line_it_makes_what_is_missing_and_ends(tmp_path):
    (tmp_path / "claim.py").write_text(CLAIM)
    files = TrainerFiles(Store(tmp_path / "results"))
    begun = repro(tmp_path, "run", "claim.py", "--background", "--workers", "1", "--pause-above", "100")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert "runs to train in the background (process " in begun.stdout
    until(lambda: files.pid() is None)
    done = repro(tmp_path, "run", "--background", "--status")
    assert done.returncode == 0, files.log.read_text()
    assert "ended, 1 of 1 runs complete" in done.stdout
    assert json.loads((files.folder / "state.json").read_text())["failed"] == 0
    again = repro(tmp_path, "run", "claim.py", "--background")
    assert (again.returncode, again.stdout) == (
        0,
        "nothing to train: 1 run is complete. Next: repro judge claim.py\n",
    )


def test_where_a_file_system_has_no_locks_no_trainer_starts_and_none_is_waited_for(files, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match="cannot be locked .*run without --background"):
        background.start(files, COMMAND)
    assert files.pid() is None


@pytest.mark.parametrize("text", ["{}", "[1]", '{"pid": 1}', "3"])
def test_a_state_that_no_trainer_wrote_is_none(files, text):
    files.folder.mkdir(parents=True)
    (files.folder / "state.json").write_text(text)
    assert files.read() is None
    assert line(files).startswith("no trainer runs in the background here")
