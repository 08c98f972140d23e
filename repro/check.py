"""Check: a claim at one point of its grid, its runs, and the criterion that is frozen before they are trained."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from repro.claim import Claim, Params
from repro.compare import RULES_VERSION
from repro.errors import ClaimError, ReproError
from repro.provenance import PACKAGE
from repro.runs.canonical import digest
from repro.runs.spec import RunSpec
from repro.statistics import Levels, against_level, nominal_alpha

# The code between stored runs and a verdict: changing any of it changes the criterion. A run's record holds its digest
# beside the criteria, under this name, to distinguish a changed rule from changed code that applies the same rule.
JUDGED_BY = "judging code"
JUDGING_CODE = (
    "check.py",
    "claim.py",
    "runs/datasets.py",  # fingerprints that the data must have, and the sizes of test sets
    "runs/drawn.py",
    "runs/record.py",
    "runs/run.py",
    "runs/store.py",
    "statistics/*.py",
    "compare/*.py",
    *(
        f"judging/{name}.py"
        for name in (
            "evidence",
            "integrity",
            "shapes",
            "judge",
            "observe",
            "decide",
            "deviations",
            "controls",
            "claims",
            "compared",
            "verdict",
        )
    ),
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A claim at one point of its grid."""

    claim: Claim
    scale: str
    params: Params
    file: Path  # the claim file
    function: Callable[..., None]  # records findings from an Evidence
    dataset: str | None  # a named copy that replaces "cifar10"; None for the original
    primaries: int = 1  # primary claims of the catalogue, which share the level against a primary claim
    catalogue: Path | None = None  # the file that counts them; None where none does

    @cached_property
    def id(self) -> str:
        """Claim id and parameters, such as ``bn-only-by-depth[depth=14]``."""
        return f"{self.claim.id}[{point(self.params)}]" if self.params else self.claim.id

    @property
    def looks(self) -> tuple[int, ...]:
        """Number of seeds at each look, in order."""
        return self.claim.looks[self.scale]

    @property
    def tests(self) -> int:
        """Number of tests that share the error against the claim: over looks, points, and primary claims."""
        return len(self.looks) * len(self.claim.grid[self.scale]) * (self.primaries if self.claim.primary else 1)

    def levels(self, findings: int = 1) -> Levels:
        """The levels of a look at a check with a number of findings."""
        against = against_level(
            self.looks,
            points=len(self.claim.grid[self.scale]) * findings,
            primaries=self.primaries if self.claim.primary else 1,
        )
        return Levels(accept=nominal_alpha(self.looks), against=against)

    def arms(self, seeds: int) -> dict[str, tuple[RunSpec, ...]]:
        """The runs of every arm for seeds 0 … seeds − 1.

        Raises:
            ReproError: a replicate has other arms than the first, or a trained run of it has another seed; its runs()
                asks for an impossible run, or crashes.
        """
        for seed in range(len(self._made), seeds):
            one = self._replicate(seed)
            if self._made and set(one) != set(self._made[0]):
                raise ClaimError(f"check {self.id}: its runs() names other arms for seed {seed} than for seed 0.")
            for arm, spec in one.items():
                if spec.rows and spec.seed != seed:
                    raise ClaimError(
                        f"check {self.id}: its runs() gives arm {arm!r} a run of seed {spec.seed} as replicate {seed}; "
                        "pass its seed on to every run that is trained."
                    )
            self._made.append({arm: self._copy(spec) for arm, spec in one.items()})
        return {arm: tuple(one[arm] for one in self._made[:seeds]) for arm in self._made[0]}

    def _replicate(self, seed: int) -> Mapping[str, RunSpec]:
        """What the claim's runs() names for a seed."""
        try:
            return self.claim.runs(self.scale, seed, **self.params)
        except ReproError as error:
            raise type(error)(f"check {self.id}: {error}") from None
        except Exception as error:
            raise ClaimError(
                f"check {self.id} in {self.file.name}: its runs() crashed ({type(error).__name__}: {error}); it takes "
                "scale, seed and the names of the grid, and returns arm -> run."
            ) from None

    @cached_property
    def _made(self) -> list[dict[str, RunSpec]]:
        """By seed, the run of every arm, as far as asked for: a plan asks for them several times."""
        return []

    def runs(self, seeds: int) -> dict[str, RunSpec]:
        """Every run of every arm once, by key."""
        return {spec.key: spec for specs in self.arms(seeds).values() for spec in specs}

    @cached_property
    def recipe(self) -> dict[str, dict[str, str]]:
        """By point of the whole grid and by arm, the key of the run of seed 0: the hash of its canonical spec."""
        found = {}
        for params in self.claim.grid[self.scale]:
            arms = self.claim.runs(self.scale, 0, **params)
            found[point(params)] = {arm: self._copy(spec).key for arm, spec in arms.items()}
        return found

    @cached_property
    def criterion(self) -> dict[str, Any]:
        """Everything that a verdict on this check depends on besides the runs, as JSON values."""
        claim = self.claim
        return {
            "check": self.id,
            "scale": self.scale,
            "sentence": claim.sentence,
            "source": dataclasses.asdict(claim.source),
            "rule": {"kind": claim.rule.kind, "name": claim.rule.name, **dataclasses.asdict(claim.rule)},
            "rules_version": RULES_VERSION,
            "looks": list(self.looks),
            "levels": dataclasses.asdict(self.levels()),
            "depends_on": list(claim.depends_on),
            "primary": claim.primary,
            "primaries": self.primaries,
            "testable": dict(claim.testable),
            "untestable": dict(claim.untestable),
            "same_as": claim.same_as,
            "definition_open": claim.definition_open,
            "grid": [dict(point) for point in claim.grid[self.scale]],
            "recipe": self.recipe,
            "claim_file": f"{self.file.parent.name}/{self.file.name}",
            "claim_file_sha256": _file_sha256(self.file),
            "judging_code_sha256": judging_code(),
        }

    @cached_property
    def criterion_sha256(self) -> str:
        """SHA-256 of the canonical JSON of the criterion, which identifies the frozen rule."""
        return self.criterion_under(judging_code())

    def criterion_under(self, code: str) -> str:
        """``criterion_sha256`` under another digest of the judging code."""
        return digest({**self.criterion, "judging_code_sha256": code})

    def _copy(self, spec: RunSpec) -> RunSpec:
        if self.dataset and spec.dataset == "cifar10" and spec.rows:
            return dataclasses.replace(spec, dataset=self.dataset)
        return spec


@cache
def judging_code() -> str:
    """SHA-256 of the code between stored runs and a verdict: estimates, rules, what is read, and what is decided."""
    hashed = hashlib.sha256()
    for place in JUDGING_CODE:
        found = sorted(PACKAGE.glob(place))
        assert found, f"{place} is no judging code"
        for path in found:
            hashed.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()


def point(params: Params) -> str:
    """A point of a grid, such as ``depth=14,width=2``."""
    return ",".join(f"{name}={value}" for name, value in params.items())


@cache
def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
