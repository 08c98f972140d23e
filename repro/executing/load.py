"""Whether others need this machine now, from Linux's figures for processors and memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 3  # readings in a row that must show busy processors before training pauses
QUIET = 6  # readings in a row that must show an idle machine before it resumes
SLACK = 0.2  # how far below the limit the load must be to resume, as a share
SCARCE = 0.1  # memory is short below this share of the machine's
WORKER_BYTES = 800_000_000  # that must also be free for each worker before training resumes


@dataclass(frozen=True, kw_only=True)
class Load:
    """One reading of the machine's load; a value that is not available is that of an idle one."""

    busy: float  # share of the cores that processes of normal priority keep busy, in [0, 1]
    free: int  # bytes of memory that a new process could get
    memory: int  # bytes of memory in all


class Meter:
    """Reads the load: each call covers the time since the one before.

    Only time at normal priority counts. Ours is niced and so counted separately; other niced processes give way to
    others just as we do.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._before = self._ticks()

    def __call__(self) -> Load:
        """The load since the last call."""
        now, before = self._ticks(), self._before
        self._before = now
        passed = now[1] - before[1]
        busy = (now[0] - before[0]) / passed if passed > 0 else 0.0
        memory, free = self._memory()
        return Load(busy=min(1.0, max(0.0, busy)), free=free, memory=memory)

    def _ticks(self) -> tuple[int, int]:
        """Ticks of user time at normal priority, and of everything, since the machine started."""
        line = _text(self._proc / "stat").partition("\n")[0].split()
        ticks = [int(word) for word in line[1:9]]  # later columns are included in these
        return (ticks[0], sum(ticks)) if ticks else (0, 0)

    def _memory(self) -> tuple[int, int]:
        lines = dict(line.split(":", 1) for line in _text(self._proc / "meminfo").splitlines() if ":" in line)
        sizes = [int(lines[name].split()[0]) * 1024 if name in lines else 0 for name in ("MemTotal", "MemAvailable")]
        return sizes[0], sizes[1]


@dataclass
class PausePolicy:
    """Decides at each reading whether training should wait: quick to pause and slow to resume, so it never flaps."""

    pause_above: float  # share of the cores that others may keep busy; 1 for any
    workers: int
    reason: str = ""  # for which training waits; "" while it may run
    _run: int = field(default=0, repr=False)  # readings in a row that call for a change

    def __call__(self, load: Load) -> str:
        """The reason to wait after one more reading, or ""."""
        found = self._found(load)
        if bool(found) == bool(self.reason):
            self._run, self.reason = 0, found
            return self.reason
        self._run += 1
        if self._run >= (QUIET if self.reason else 1 if "memory" in found else PATIENCE):
            self._run, self.reason = 0, found
        return self.reason

    def _found(self, load: Load) -> str:
        waits = bool(self.reason)
        least = SCARCE * load.memory + (self.workers * WORKER_BYTES if waits else 0)
        if load.memory and load.free < least:
            return f"memory is short ({load.free / 1e9:.1f} GB free)"
        if self.pause_above < 1 and load.busy > self.pause_above - (SLACK if waits else 0):
            return f"others keep {100 * load.busy:.0f} % of the processor busy"
        return ""


Probe = Callable[[], Load]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux: the load is unknown, and only the priority yields
        return ""
