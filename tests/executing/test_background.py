"""The trainer in the background: one a machine and store, it waits for others, and leaves word of itself."""

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
from repro.executing.execute import Outcome
from repro.executing.load import Courtesy, Seen
from repro.executing.post import Post, line
from repro.planning.plan import plan
from repro.runs.store import Store
from tests.executing.test_execute import check_of, tiny

IDLE, BUSY = Seen(busy=0.0, free=10**12, memory=10**12), Seen(busy=0.0, free=1, memory=10**12)
SLEEPER = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up', flush=True)"
COMMAND = [sys.executable, "-c", f"{SLEEPER}; signal.pause()"]


@pytest.fixture
def post(tmp_path):
    made = Post(Store(tmp_path / "results"))
    yield made
    if (pid := made.pid()) is not None:
        os.killpg(pid, signal.SIGKILL)


def until(true):
    """Waits as long as it takes: no test depends on how fast the machine is."""
    while not true():
        time.sleep(0.05)


def train(post, run, looks, **more):
    """The trainer, with looks at the machine that are made up; the last one repeats."""
    looks = list(looks)
    courtesy = Courtesy(pause_above=1.0, workers=1)
    return background.train(
        post,
        run,
        look=lambda: looks.pop(0) if len(looks) > 1 else looks[0],
        courtesy=courtesy,
        progress=lambda *_: None,
        every=0.01,
        **more,
    )


def test_it_runs_in_a_session_of_its_own(post):
    pid = background.start(post, COMMAND)
    assert os.getsid(pid) == pid != os.getsid(0)
    assert post.pid() == pid


def test_it_outlives_whoever_started_it(post, tmp_path):
    code = (
        "import sys; from pathlib import Path; from repro.executing import background; "
        "from repro.executing.post import Post; from repro.runs.store import Store; "
        f"print(background.start(Post(Store(Path(sys.argv[1]))), {COMMAND!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(post.store.root)], capture_output=True, text=True)
    assert post.pid() == int(done.stdout)


def test_a_second_one_is_refused_by_name(post):
    pid = background.start(post, COMMAND)
    with pytest.raises(StoreError, match=rf"already running in the background \(process {pid}\).*--stop"):
        background.start(post, COMMAND)


def test_it_is_stopped_and_may_be_started_again(post):
    first = background.start(post, COMMAND)
    until(lambda: "up" in post.log.read_text())
    assert background.stop(post, lambda: os.waitpid(first, os.WNOHANG))
    assert post.pid() is None
    assert background.start(post, COMMAND) != first


def test_stopping_none_says_so(post):
    assert not background.stop(post, lambda: pytest.fail("nothing to wait for"))


def test_it_waits_while_others_need_the_machine_and_then_trains(post):
    told = []

    def run(stop, budget, tell):
        told.append(post.read()["doing"])
        return Outcome()

    train(post, run, [BUSY] * 4 + [IDLE])
    assert told == ["waiting"]
    assert (post.read()["doing"], post.read()["why"]) == ("ended", "")


def test_it_pauses_what_is_under_way_and_goes_on_later(post):
    rounds = []

    def run(stop, budget, tell):
        rounds.append(stop.event.is_set())
        if len(rounds) == 1:
            stop.event.wait()  # until somebody needs the machine
        return Outcome(stopped=len(rounds) == 1)

    outcome = train(post, run, [IDLE, BUSY, BUSY, IDLE])
    assert rounds == [False, False]
    assert not outcome.stopped


def test_a_signal_while_it_waits_ends_it(post):
    looks = iter(range(10))

    def look():
        if next(looks) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return BUSY

    outcome = background.train(
        post,
        lambda *_: pytest.fail("others need the machine"),
        look=look,
        courtesy=Courtesy(pause_above=1.0, workers=1),
        progress=lambda *_: None,
        every=0.01,
    )
    assert outcome.stopped


def test_a_deadline_ends_the_waiting(post):
    assert train(post, lambda *_: pytest.fail("others need the machine"), [BUSY], budget=0.1).stopped


def test_the_time_left_is_handed_on(post):
    budgets = []

    def run(stop, budget, tell):
        budgets.append(budget)
        return Outcome()

    train(post, run, [IDLE], budget=1e6)
    assert 0 < budgets[0] <= 1e6


def test_an_error_is_left_in_the_line(post):
    def run(stop, budget, tell):
        raise StoreError("the disk is full.")

    with pytest.raises(StoreError):
        train(post, run, [IDLE])
    assert line(post).startswith("ended (the disk is full.); log ")


def test_the_line_counts_runs_and_says_what_is_left(post, paused):
    spec = tiny(0, epochs=4)
    paused(post.store, spec, epoch=1)
    check = check_of(lambda scale, seed: {"one": spec, "two": tiny(seed, epochs=5)})

    def run(stop, budget, tell):
        tell(plan([check], post.store, device_type="cpu"), Outcome(), None)
        return Outcome(stopped=True)

    train(post, run, [IDLE])
    assert line(post).startswith("ended, 0 of 2 runs complete, 1 begun, about ")


def test_one_that_was_killed_is_known_by_its_lock(post):
    pid = background.start(post, COMMAND)
    post.write({"pid": pid, "doing": "training", "why": "", "deadline": None})
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert line(post).startswith("killed (it goes on from its checkpoints when it is started again); log ")


def test_where_none_ever_was_the_line_says_how_to_start_one(post):
    assert "repro run --background" in line(post)


def test_it_is_at_the_lowest_priority(tmp_path):
    code = (
        "import os; from repro.executing.background import give_way; give_way(); "
        "print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, open('/proc/self/oom_score_adj').read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["19", "True", "1000"]


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
    evidence.find(measured=[1.0])
'''


def repro(folder, *arguments):
    return subprocess.run([sys.executable, "-m", "repro.cli", *arguments], cwd=folder, capture_output=True, text=True)


def test_from_the_command_line_it_makes_what_is_missing_and_ends(tmp_path):
    (tmp_path / "claim.py").write_text(CLAIM)
    post = Post(Store(tmp_path / "results"))
    begun = repro(tmp_path, "run", "claim.py", "--background", "--workers", "1", "--pause-above", "100")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert "runs to train in the background (process " in begun.stdout
    until(lambda: post.pid() is None)
    told = repro(tmp_path, "run", "--background", "--status")
    assert told.returncode == 0, post.log.read_text()
    assert "ended, 1 of 1 runs complete" in told.stdout
    assert json.loads((post.folder / "state.json").read_text())["failed"] == 0
    again = repro(tmp_path, "run", "claim.py", "--background")
    assert (again.returncode, again.stdout) == (0, "nothing to train: all 1 runs are complete. Next: repro judge\n")
