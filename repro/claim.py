"""Claim: what a paper says, the rule that judges it, and the runs that decide."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repro.compare import RULES_VERSION, Rule
from repro.errors import ClaimError, ReproError
from repro.provenance import PACKAGE
from repro.recipes import SCALES
from repro.runs.canonical import canonical
from repro.runs.spec import RunSpec
from repro.statistics import Levels, against_level, nominal_alpha

if TYPE_CHECKING:
    import pytest

Tag = Literal["P", "D", "R", "?"]
TAGS = {
    "P": "the source's own words or table",
    "D": "read off a plot of the source",
    "R": "reported by a reader or reviewer of the source",
    "?": "not readable anywhere; the reference is empty",
}
Params = Mapping[str, Any]
Grid = Mapping[str, tuple[Params, ...]]  # scale -> points; a point names the parameters of one check

# Number of seeds at each look, in order: only an inconclusive look requests the next.
LOOKS: Mapping[str, tuple[int, ...]] = {"smoke": (3,), "pilot": (3,), "paper": (3, 5, 8)}
CONTROL = "control"  # the work that controls name: this suite makes them, and no source
# The controls that every claim about trained networks depends on.
CONTROLS = ("control-judge", "control-data", "control-frozen", "control-shuffled-labels", "control-full-training")
# The control on which every claim depends whose runs are trained in a lower precision, and the precision it compares.
PRECISION, LOWER = "control-precision", "bfloat16"
# The code between stored runs and a verdict: changing any of it changes the criterion. A run's record holds its digest
# beside the criteria, under this name, to distinguish a changed rule from changed code that applies the same rule.
JUDGED_BY = "judging code"
JUDGING_CODE = (
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
ONE_LOOK: Mapping[str, tuple[int, ...]] = dict.fromkeys(SCALES, (1,))  # for what no seed changes


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a claim is made."""

    work: str  # key of the source: the name of its folder
    place: str  # "Figure 2, left"
    tag: Tag  # certainty of the reference value
    reference: str  # the value as printed, "" if none could be read
    version: str = ""  # of the paper that prints it, such as "v1" or "ICLR"; "" if there is only one


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of a source, the frozen rule that judges it, and the runs that the judgement is based on.

    ``runs(scale, seed, **params)`` is pure: it names every arm of the comparison and the run of one replicate of it.

    Raises:
        ClaimError: the claim is incomplete or contradicts itself.
    """

    id: str  # lower-case words joined by "-"; unique over all claim files
    sentence: str  # what is claimed, in the source's terms
    source: Source
    rule: Rule  # kind, margin or gap, and the reason for it
    grid: Grid  # the points at each scale
    runs: Callable[..., Mapping[str, RunSpec]]  # arm -> run of one seed
    depends_on: tuple[str, ...]  # ids of the controls that must not fail for this claim to mean anything
    testable: Mapping[str, str] = dataclasses.field(default_factory=dict)  # scale -> why the sentence covers it
    untestable: Mapping[str, str] = dataclasses.field(default_factory=dict)  # scale -> why it is only measured there
    looks: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=lambda: LOOKS)  # seeds, by scale
    primary: bool = False  # one of the main claims of the catalogue, among which the error against them is shared
    exact: bool = False  # independent of the scale: has its full verdict at every scale, and names no testable one
    same_as: str | None = None  # id of the claim whose runs, rule and reference this one repeats: counted once
    per_network: bool = False  # of a control: each point applies only to the networks that it trains
    definition_open: str = ""  # what the source leaves open about the measurement: a deviation
    note: str = ""  # what a reader should know beside the verdict

    def __post_init__(self) -> None:
        words = self.id.split("-")
        if not all(word.isalnum() and word == word.lower() for word in words):
            raise ClaimError(f"claim id {self.id!r} must be lower-case words joined by '-'.")
        if set(self.grid) != set(SCALES) or set(self.looks) != set(SCALES):
            raise ClaimError(f"claim {self.id}: grid and looks need exactly the scales {', '.join(SCALES)}.")
        for scale in SCALES:
            self._check_points(scale)
            nominal_alpha(self.looks[scale])
        if not self.sentence or not self.source.place:
            raise ClaimError(f"claim {self.id} needs a sentence and the place in its source.")
        if (self.source.tag == "?") != (not self.source.reference):
            raise ClaimError(f"claim {self.id}: the reference is empty exactly when its tag is '?'.")
        if self.id in (self.same_as, *self.depends_on):
            raise ClaimError(f"claim {self.id} names itself in same_as or depends_on; name another claim.")
        self._check_scales()
        self._check_texts()

    def tested(self, scale: str) -> bool:
        """Whether the sentence can be tested at a scale; if not, the claim is only measured."""
        return self.exact or scale in self.testable

    def _check_scales(self) -> None:
        reasons = [*self.testable.items(), *self.untestable.items()]
        named = sorted(scale for scale, _ in reasons)
        if not all(reason for _, reason in reasons):
            raise ClaimError(f"claim {self.id}: every scale in testable and untestable needs its rationale.")
        if named != ([] if self.exact else sorted(SCALES)):
            wanted = "none, as it is exact" if self.exact else f"each of {', '.join(SCALES)} in exactly one of them"
            raise ClaimError(
                f"claim {self.id} names the scales {', '.join(named) or 'none'} in testable and untestable; "
                f"it must name {wanted}."
            )

    def _check_texts(self) -> None:
        """Refuses half of a surrogate pair: no file and no page can hold it."""
        source, rationales = dataclasses.asdict(self.source), [*self.testable.values(), *self.untestable.values()]
        points = [value for points in self.grid.values() for point in points for value in point.values()]
        reason = getattr(self.rule, "reason", "")
        for text in (self.sentence, self.note, self.definition_open, reason, *source.values(), *rationales, *points):
            try:
                str(text).encode()
            except UnicodeEncodeError as error:
                raise ClaimError(
                    f"claim {self.id}: the text {text[:40]!r} holds {error.object[error.start]!r}, which is no "
                    "character; write another."
                ) from None

    def _check_points(self, scale: str) -> None:
        points = self.grid[scale]
        if not points and scale in self.untestable:  # no runs are trained that decide nothing
            return
        if not points:
            raise ClaimError(
                f"claim {self.id} has no point at scale {scale}; a claim without parameters has one, ({{}},)."
            )
        for point in points:
            strange = [name for name, value in point.items() if not isinstance(value, str | int | float)]
            if strange or list(point) != list(points[0]):
                raise ClaimError(
                    f"claim {self.id}: the point {dict(point)} at scale {scale} must have the parameters "
                    f"{', '.join(points[0]) or 'of the first point, none'}, each a number or a text."
                )
            if points.count(point) > 1:
                raise ClaimError(f"claim {self.id} has the point {dict(point)} twice at scale {scale}; drop one.")


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
        return f"{self.claim.id}[{_words(self.params)}]" if self.params else self.claim.id

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
        for point in self.claim.grid[self.scale]:
            arms = self.claim.runs(self.scale, 0, **point)
            found[_words(point)] = {arm: self._copy(spec).key for arm, spec in arms.items()}
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
        return hashlib.sha256(canonical({**self.criterion, "judging_code_sha256": code}).encode()).hexdigest()

    def _copy(self, spec: RunSpec) -> RunSpec:
        if self.dataset and spec.dataset == "cifar10" and spec.rows:
            return dataclasses.replace(spec, dataset=self.dataset)
        return spec


def claim(**fields: Any) -> "pytest.MarkDecorator":
    """Marks a pytest function as the check of a claim: ``@claim(id=…, sentence=…, …)``, fields as in `Claim`."""
    import pytest  # a fifth of a second, which a report has no use for

    return pytest.mark.claim(Claim(**fields))


@cache
def judging_code() -> str:
    """SHA-256 of the code between stored runs and a verdict: estimates, rules, what is read, and what is decided."""
    digest = hashlib.sha256()
    for place in JUDGING_CODE:
        found = sorted(PACKAGE.glob(place))
        assert found, f"{place} is no judging code"
        for path in found:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _words(params: Params) -> str:
    """A point of a grid, such as ``depth=14,width=2``."""
    return ",".join(f"{name}={value}" for name, value in params.items())


@cache
def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
