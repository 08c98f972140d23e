"""A trainer that gives way: one a machine and store, apart from any terminal, at the lowest priority."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from repro.errors import StoreError
from repro.executing.execute import Outcome, Progress
from repro.executing.load import Courtesy, Look
from repro.executing.pool import Stop
from repro.executing.post import Post, Teller
from repro.runs.files import explain_write_errors
from repro.runs.lease import repeated

LOOK = 10.0  # seconds between looks at the machine, and between writings of the state


def start(post: Post, command: Sequence[str]) -> int:
    """Starts ``command`` as this machine's trainer, with the lock's descriptor as one more word; its process id.

    Raises:
        StoreError: one is running, or the folder cannot be written.
    """
    with explain_write_errors(post.folder):
        post.folder.mkdir(parents=True, exist_ok=True)
        lock = post.lock.open("a+")
    with lock, post.log.open("ab") as log:
        while not _taken(lock):
            if (pid := post.pid()) is not None:  # else somebody only looked whether it is locked
                raise StoreError(
                    f"a trainer is already running in the background (process {pid}); look at it with: repro run "
                    "--background --status, end it with: repro run --background --stop."
                )
        lock.truncate(0)
        # The lock lives as long as any process has the descriptor: ours until we end, then the trainer's alone.
        os.set_inheritable(lock.fileno(), True)
        pid = os.posix_spawn(
            command[0],
            [*command, str(lock.fileno())],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
            setsid=True,  # the end of the terminal is not its end
        )
        lock.write(str(pid))
    return pid


def stop(post: Post, wait: Callable[[], object]) -> bool:
    """Has this machine's trainer checkpoint and end; False where none was running. ``wait`` is called meanwhile."""
    pid = post.pid()
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while post.pid() == pid:
        wait()
    return True


def give_way() -> None:
    """Lowers this process and its children to the lowest priority there is."""
    os.nice(19)
    with contextlib.suppress(OSError):
        # Linux's scheduler shares cores among sessions first: within ours alone, niceness would yield to nobody.
        Path("/proc/self/autogroup").write_text("19")
    if hasattr(os, "SCHED_IDLE"):  # runs when nobody else wants the core; Linux makes its disk access idle as well
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go when memory ends


def train(
    post: Post,
    run: Callable[[Stop, float | None, Progress], Outcome],
    *,
    look: Look,
    courtesy: Courtesy,
    progress: Progress,
    budget: float | None = None,
    every: float = LOOK,
) -> Outcome:
    """Calls ``run`` until it is done, stopped, or ``budget`` seconds are over; while others need the machine it waits.

    To wait, runs under way are checkpointed and their workers end: so their memory is free as well.
    """
    deadline = None if budget is None else time.time() + budget
    teller = Teller(post, courtesy, progress, deadline)
    outcome = Outcome(stopped=True)
    with teller.ending(), Stop() as stop:

        def watch() -> None:
            if courtesy(look()):
                stop.event.set()
            with contextlib.suppress(StoreError):  # a full disk stops the training itself
                teller.tell("training")

        while stop.signal is None and (deadline is None or time.time() < deadline):
            if courtesy(look()):
                teller.tell("waiting")
                stop.event.wait(every)
                continue
            with repeated(every, watch):
                outcome = run(stop, None if deadline is None else max(0.0, deadline - time.time()), teller)
            if not (outcome.stopped and courtesy.reason):
                break
            stop.event.clear()  # a signal that came meanwhile stays in stop.signal
    return outcome


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
