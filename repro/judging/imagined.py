"""What a check would compare, learnt by calling it on runs that do not exist, whose every measurement is one share."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from repro.check import Check
from repro.compare import Published
from repro.errors import ClaimError
from repro.judging.evidence import Evidence
from repro.runs.spec import RunSpec
from repro.statistics import Sample, Unit


def quantities(check: Check, share: float = 0.5) -> list[dict[str, Any]]:
    """What each finding of a check would be made from, were all its measurements this share; none if it fails."""
    evidence = _Imagined(check, share)
    try:
        check.function(evidence, **check.params)
    except Exception:  # it reads something that is not imagined here; judging it shows its faults
        return []
    return evidence.asked


def refuse_misspelt(checks: Iterable[Check]) -> None:
    """Refuses checks that would fail on any runs: better now than when these are trained.

    Raises:
        ClaimError: one reads an arm that its runs() does not declare or a quantity that there is not, or names a
            quantity that its rule does not take.
    """
    for check in checks:
        if check.claim.exact:  # nothing is trained for it
            continue
        evidence = _Imagined(check)
        try:
            check.function(evidence, **check.params)
        except ClaimError as error:
            raise ClaimError(f"{error} ({check.file})") from None
        except AttributeError as error:
            if error.obj is evidence:
                there = [name for name in dir(Evidence) if not name.startswith("_") and name not in ("close", "find")]
                raise ClaimError(
                    f"check {check.id} in {check.file} reads evidence.{error.name}; allowed: {', '.join(there)}."
                ) from None
        except Exception:
            continue


def compared(check: Check) -> list[str]:
    """What each finding of a check would compare, by the labels of its samples; nothing where those depend on runs."""
    found = [[_compared(one) for one in quantities(check, share)] for share in (0.5, 0.25)]
    return [one for one, other in zip(*found, strict=False) if one and one == other]


def unit_compared(check: Check) -> Unit:
    """The unit of what a check compares; points where that depends on runs, or on the finding."""
    asked = quantities(check)
    units = {value.unit for one in asked for value in one.values() if isinstance(value, Sample)}
    units |= {one.unit for some in asked for one in some.get("samples", ())}
    return units.pop() if len(units) == 1 else "points"


def own_gaps(check: Check) -> bool:
    """Whether its differences have gaps of their own."""
    return any("gap" in one for one in quantities(check))


def _compared(asked: dict[str, Any]) -> str:
    match asked:
        case {"higher": Sample() as one, "lower": two, **more}:
            beyond = f", by more than {more['gap']:g}" if "gap" in more else ""
            return f"{one.label} − {two.label if isinstance(two, Sample) else f'{two:g}'}{beyond}"
        case {"before": Sample() as before, "after": Sample() as after}:
            return f"{after.label} − {before.label}, seed by seed"
        case {"samples": samples}:
            return " → ".join(sample.label for sample in samples)
        case {"sample": Sample() as sample, "reference": Published() as reference}:
            return f"{sample.label} against {reference.value:.4g}"
        case {"sample": Sample() as sample}:
            return sample.label
    return ""


class _Run:
    """A run with placeholder numbers: a check is only called for what it would compare."""

    def __init__(self, spec: RunSpec, share: float) -> None:
        self.spec, self.share = spec, share
        percent = 100 * share
        self.history: tuple[dict[str, Any], ...] = _Rows(
            [{spec.row_name: 1, "test_top1": percent, "train_top1": percent, "train_loss": share}]
        )
        self.record: dict[str, Any] = {"frozen_before": "", "frozen_after": "", "data": {}}

    def measurement(self, name: str) -> dict[str, Any]:
        return _measurements(self.share)[name]


class _Rows(tuple[dict[str, Any], ...]):
    """A history of one row that is at every place."""

    def __getitem__(self, _at: Any) -> Any:
        return super().__getitem__(0)


class _Everything(list[float]):
    """A list of thresholds that contains every value."""

    def index(self, *_: Any) -> int:
        return 0


class _Always(dict[str, Any]):
    """A measurement by retrain that is the same for every one."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, _retrain: str) -> Any:
        return self._value


@cache
def _measurements(share: float) -> dict[str, dict[str, Any]]:
    at, percent = _Everything([0.01]), 100 * share
    return {
        "accuracy": {"top1": percent, "top5": 90.0, "loss": 1.0, "train_top1": percent},
        "affine": {"count": 10_000, "thresholds": at, "share_below": [share]},
        "clamp": {"thresholds": at, "top1": [percent]},
        "relus": {"units": 10_000, "channels": 1000, "share_dead": share, "share_dead_channels": share},
        "tickets": {"top1": _Always(percent), "beside": _Always([0.01] * 3), "beside_by_chance": _Always([0.01] * 3)},
        "parameters": dict.fromkeys(("convolution", "shortcut", "batchnorm", "output", "total"), 1),
    }


class _Imagined(Evidence):
    """Evidence from runs that do not exist: it records what a check would compare, and compares nothing."""

    def __init__(self, check: Check, share: float = 0.5) -> None:
        runs: dict[str, Any] = {arm: tuple(_Run(spec, share) for spec in specs) for arm, specs in check.arms(1).items()}
        super().__init__(check, runs, check.levels())
        self.asked: list[dict[str, Any]] = []

    def sample(
        self, arm: str, read: Callable[[Any], float], *, label: str, unit: Unit, step: float, quantity: str = ""
    ) -> Sample:
        """By arm, without the keys of its runs, as hashing them would take most of the time."""
        values = tuple(float(read(run)) for run in self.runs(arm))
        return Sample(label=label, values=values, seeds=(0,), unit=unit, step=step, runs=(arm,), quantity=quantity)

    def find(self, **quantities: Any) -> None:
        """Records what would be compared."""
        self._refuse_unknown(quantities)
        self.asked.append(quantities)
