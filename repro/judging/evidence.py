"""Evidence: what one check may read, and the findings it recorded."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from repro.check import Check
from repro.compare import Finding, Levels, Published, Sweep, undecidable
from repro.errors import ClaimError, StoreError
from repro.runs.datasets import DATASETS
from repro.runs.drawn import named_fingerprints
from repro.runs.store import Run
from repro.statistics import Sample, Unit


class Evidence:
    """The complete runs of one check, by arm; it notes what is read and collects findings, and decides nothing."""

    def __init__(self, check: Check, arms: dict[str, tuple[Run, ...]], levels: Levels) -> None:
        self.scale = check.scale
        self.findings: list[Finding] = []
        self.sweeps: list[Sweep] = []
        self.replicates: set[int] = set()  # behind the published values that findings were held against
        self.undecidable: list[str] = []  # by finding: why no seed establishes it, "" where seeds can
        self._check, self._arms, self._levels = check, arms, levels
        self._read: set[str] = set()

    def runs(self, arm: str) -> tuple[Run, ...]:
        """The runs of one arm, seed by seed.

        Raises:
            ClaimError: the claim's ``runs`` declares no such arm.
        """
        if arm not in self._arms:
            raise ClaimError(
                f"check {self._check.id} reads arm {arm!r}, which its runs() does not declare; "
                f"declared: {', '.join(sorted(self._arms))}. Add it there, or read one of those."
            )
        self._read.add(arm)
        return self._arms[arm]

    def sample(
        self, arm: str, read: Callable[[Run], float], *, label: str, unit: Unit, step: float, quantity: str = ""
    ) -> Sample:
        """One value per seed of an arm; ``step`` is the rounding step of a value, ``quantity`` what a value is."""
        runs = self.runs(arm)
        return Sample(
            label=label,
            values=tuple(float(read(run)) for run in runs),
            seeds=tuple(run.spec.seed for run in runs),
            unit=unit,
            step=step,
            runs=tuple(run.spec.key for run in runs),
            quantity=quantity,
        )

    def accuracy(self, arm: str, label: str = "") -> Sample:
        """Top-1 test accuracy of the final network, percent, with running statistics."""
        return self._percent(arm, lambda run: run.measurement("accuracy")["top1"], label or arm, "test accuracy")

    def top5(self, arm: str, label: str = "") -> Sample:
        """Top-5 test accuracy of the final network, percent, with running statistics."""
        return self._percent(arm, lambda run: run.measurement("accuracy")["top5"], label or arm, "top-5 test accuracy")

    def best_accuracy(self, arm: str, label: str = "") -> Sample:
        """Top-1 test accuracy of the best evaluation of each run, percent: model selection on the test set itself."""
        return self._percent(
            arm, lambda run: max(row["test_top1"] for row in run.history), label or arm, "best test accuracy"
        )

    def train_accuracy(self, arm: str, label: str = "") -> Sample:
        """Share of the training examples that the final network classifies as labelled, in [0, 1]."""
        step = 1 / min(DATASETS[run.spec.dataset].train_size for run in self.runs(arm))
        return self.sample(
            arm,
            lambda run: run.measurement("accuracy")["train_top1"] / 100,
            label=label or arm,
            unit="share",
            step=step,
            quantity="training accuracy",
        )

    def retrain_accuracy(self, arm: str, retrain: str, label: str = "") -> Sample:
        """Top-1 test accuracy of one retrain of a ticket, percent, such as "retrain 92" or the name of a test."""
        return self._percent(
            arm, lambda run: run.measurement("tickets")["top1"][retrain], label or f"{arm}, {retrain}", "test accuracy"
        )

    def beside(self, arm: str, retrain: str, label: str = "") -> Sample:
        """Share of the pairs of neighbouring inputs whose weights to a hidden unit a mask leaves both, in [0, 1]."""
        return self.sample(
            arm,
            lambda run: run.measurement("tickets")["beside"][retrain][0],
            label=label or f"{arm}, {retrain}",
            unit="share",
            step=1e-6,  # an average over thousands of places
            quantity="share of neighbours",
        )

    def clamped_accuracy(self, arm: str, threshold: float, label: str = "") -> Sample:
        """Top-1 test accuracy, percent, with every |γ| below a threshold set to 0."""
        return self._percent(
            arm,
            lambda run: _at(run, "clamp", threshold, "top1"),
            label or f"|γ| < {threshold:g} set to 0",
            "test accuracy",
        )

    def small_gamma(self, arm: str, threshold: float, label: str = "") -> Sample:
        """Share of |γ| below a threshold, in [0, 1]."""
        step = 1 / min(run.measurement("affine")["count"] for run in self.runs(arm))
        return self.sample(
            arm,
            lambda run: _at(run, "affine", threshold, "share_below"),
            label=label or arm,
            unit="share",
            step=step,
            quantity=f"|γ| < {threshold:g}",
        )

    def dead_relus(self, arm: str, label: str = "") -> Sample:
        """Share of ReLUs that are 0 on more than 99 % of the test images, in [0, 1]."""
        step = 1 / min(run.measurement("relus")["units"] for run in self.runs(arm))
        return self.sample(
            arm,
            lambda run: run.measurement("relus")["share_dead"],
            label=label or arm,
            unit="share",
            step=step,
            quantity="ReLUs off",
        )

    def counts(self, arm: str) -> dict[str, int]:
        """Number of parameters by part, such as batchnorm or output, and in "total"."""
        return dict(self.runs(arm)[0].measurement("parameters"))

    def _percent(self, arm: str, read: Callable[[Run], float], label: str, quantity: str) -> Sample:
        return self.sample(arm, read, label=label, unit="%", step=self._step(arm), quantity=quantity)

    def _step(self, arm: str) -> float:
        """Percent that one test example is worth."""
        return 100 / min(DATASETS[run.spec.dataset].test_size for run in self.runs(arm))

    def fingerprints(self, arm: str) -> dict[str, tuple[str, str]]:
        """By split, the fingerprint of the data that the first run of an arm read, and the one its data set has.

        For a data set whose fingerprint nobody here has read, the loader's own check stands in, and both are equal.
        """
        run, read = self.runs(arm)[0], dict[str, tuple[str, str]]()
        for name, found in run.record["data"].items():
            dataset, split = run.spec.fingerprinted[name]
            read[name] = found, named_fingerprints(dataset, run.spec.seed).get(split, found)
        return read

    def find(self, **quantities: Any) -> None:
        """Records one finding: the claim's rule applied to the quantities that its ``compare`` takes."""
        self._refuse_unknown(quantities)
        rule, reference = self._check.claim.rule, quantities.get("reference")
        self.findings.append(rule.compare(levels=self._levels, **quantities))
        reason = ""
        if isinstance(reference, Published):
            if reference.sd != 0:  # else it is known without error, as chance is
                self.replicates.add(reference.replicates)
            reason = undecidable(reference, getattr(rule, "margin", math.inf), self._levels.accept)
        self.undecidable.append(reason)

    def _refuse_unknown(self, quantities: Mapping[str, Any]) -> None:
        rule = self._check.claim.rule
        taken = {name: one for name, one in inspect.signature(rule.compare).parameters.items() if name != "levels"}
        wanted = [name for name, one in taken.items() if one.default is inspect.Parameter.empty]
        unknown, lacking = sorted(quantities.keys() - taken.keys()), [name for name in wanted if name not in quantities]
        if unknown or lacking:
            raise ClaimError(
                f"check {self._check.id} calls evidence.find({', '.join(f'{name}=…' for name in quantities)}); its "
                f"rule, {rule.name}, takes {', '.join(f'{name}=…' for name in wanted)}"
                + "".join(f", {name}=… if wanted" for name in taken if name not in wanted)
                + "."
            )

    def show(self, **fields: Any) -> None:
        """Records a sweep to draw beside the findings; fields as in `Sweep`."""
        self.sweeps.append(Sweep(**fields))

    def close(self) -> None:
        """Ends the check.

        Raises:
            ClaimError: it left a declared run unread or recorded no finding.
        """
        unread = sorted(set(self._arms) - self._read)
        if unread:
            raise ClaimError(
                f"check {self._check.id} declares arms {', '.join(unread)} and does not read them; "
                "read them, or take them out of its runs()."
            )
        if not self.findings:
            raise ClaimError(f"check {self._check.id} recorded no finding; call evidence.find(...) at least once.")


def _at(run: Run, name: str, threshold: float, field: str) -> float:
    found = run.measurement(name)
    try:
        return float(found[field][found["thresholds"].index(threshold)])
    except ValueError:
        at = ", ".join(map(str, found["thresholds"]))
        raise StoreError(
            f"{run.folder} ({run.spec.name}): {name} was measured at {at}, not at {threshold}. Ask for one of "
            "these or, if the run was changed, delete it and train it again."
        ) from None
