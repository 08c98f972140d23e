"""The errors that a user can fix: each message gives what was found, what is allowed and what to do."""

from collections.abc import Iterable
from pathlib import Path


class ReproError(Exception):
    """Any failure whose message is meant for the user; shown as one line, without a traceback, exit code 2."""


def printable(error: BaseException) -> str:
    """What an error says, in characters that UTF-8 has: a path may hold other bytes."""
    return str(error).encode(errors="backslashreplace").decode()


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`` (did you mean …?)`` with the known word that is most like a wrong one; "" if none is."""
    import difflib  # on the way to an error alone

    near = difflib.get_close_matches(word, [*known], n=1, cutoff=cutoff)
    return f" (did you mean {near[0]}?)" if near else ""


class SpecError(ReproError):
    """A run is described by values that no network, data set or schedule of this suite has."""


class ClaimError(ReproError):
    """A claim file breaks a rule: duplicate id, undeclared or unread run, no finding, unknown control."""


class NoPointError(ClaimError):
    """The selected claims have no point at the chosen scale."""


class DataError(ReproError):
    """A data set is missing, truncated, of another shape or of another fingerprint."""


class StoreError(ReproError):
    """A folder of results cannot be read, trusted or written."""


class DamagedRunError(StoreError):
    """A file of one run cannot be read or trusted: names it; the other runs are unaffected."""

    def __init__(self, path: Path, found: str, advice: str) -> None:
        super().__init__(path, found, advice)  # all of them, so that it can be pickled
        self.path, self.found, self.advice = path, found, advice

    def __str__(self) -> str:
        return f"{self.path} {self.found}; {self.advice}."


class TakenOverError(StoreError):
    """Another process trains a run whose writer was taken for dead."""


class CodeError(ReproError):
    """The code differs from that with which a run was planned."""


# Of CUDA, of Triton, and of a kernel of cuDNN's that failed or came after one that did.
SPOILT = ("CUDA error", "Triton Error [CUDA]", "CUDNN_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_INTERNAL_ERROR")


def spoils_gpu(error: BaseException) -> bool:
    """Whether an error leaves its process unable to use the GPU any more, at whichever call it came to light."""
    return any(words in str(error) for words in SPOILT)


class CaptureError(ReproError):
    """A way to take steps failed on the GPU so that only another process may go on, without it."""

    def __init__(self, way: str, found: str) -> None:
        super().__init__(way, found)  # both, so that it can be pickled
        self.way, self.found = way, found

    def __str__(self) -> str:
        return f"{self.way} steps failed on the GPU ({self.found}); this process must not use it any more, train again."


class ClusterError(ReproError):
    """A cluster profile, the scheduler or a submission is at fault."""
