"""Claim: what a source says, the rule that judges it, and the runs that decide."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from repro.compare import Rule
from repro.errors import ClaimError
from repro.recipes import SCALES
from repro.runs.spec import RunSpec
from repro.statistics import nominal_alpha

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
        if self.source.tag not in get_args(Tag):
            raise ClaimError(f"claim {self.id} has the tag {self.source.tag!r}; allowed: {', '.join(get_args(Tag))}.")
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
                    f"claim {self.id}: the text {text[:40]!r} holds {error.object[error.start]!r}, which is not a "
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


def claim(**fields: Any) -> "pytest.MarkDecorator":
    """Marks a pytest function as the check of a claim: ``@claim(id=…, sentence=…, …)``, fields as in `Claim`."""
    import pytest  # a fifth of a second, which a report has no use for

    known = {
        one.name: one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        for one in dataclasses.fields(Claim)
    }
    unknown, lacking = (
        sorted(fields.keys() - known.keys()),
        [name for name in known if known[name] and name not in fields],
    )
    if unknown or lacking:
        told = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        allowed = ", ".join(f"{name}{' (may be left out)' * (not needed)}" for name, needed in known.items())
        raise ClaimError(f"claim {fields.get('id', '')!r} {' and '.join(told)}; fields of @claim: {allowed}.")
    return pytest.mark.claim(Claim(**fields))
