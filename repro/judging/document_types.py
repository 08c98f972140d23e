"""The document's types: what verdicts.json holds, field by field. Each comment is the field's description there."""

from dataclasses import dataclass
from typing import Any, Literal

from repro.collecting.works import Work
from repro.judging.claims import ClaimEntry
from repro.judging.coverage import Covered
from repro.judging.distances import Distance
from repro.judging.measures import Measures
from repro.judging.multiverse import Multiverse
from repro.judging.redrawn import RedrawnFigure
from repro.judging.verdict import Judgement
from repro.planning.needs import ScaleNeeds

SCHEMA_VERSION = 12


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The code that judged."""

    version: str  # of this package
    rules_version: int  # raised whenever a rule decides differently on the same numbers
    training_version: int  # raised whenever the training code computes different results from the same spec
    judging_code_sha256: str  # SHA-256 of the code between stored runs and a verdict


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A complete run behind some verdict."""

    key: str  # SHA-256 of the run's spec
    name: str  # the run in a few words
    outcome: str  # trained, diverged or built
    seconds: float | None  # of training
    images_per_second: float | None  # during training; of data without images, examples
    peak_memory_bytes: int | None  # of the process that trained
    device: str  # of its last uninterrupted part
    parts: int  # uninterrupted parts of its training
    digest: str  # SHA-256 of what the run computed, without times and machines
    tensors: bool  # whether its trained tensors were in the store; an export may leave them out
    checks: tuple[str, ...]  # that rest on it
    claims: tuple[str, ...]  # that ask for it, whether they are judged or wait for other runs
    spec: dict[str, Any]  # everything that decides what it computes
    measures: Measures  # what figures are drawn from
    top1_by_epoch: tuple[float, ...]  # test accuracy in each row of the history, percent


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A combination of code, versions and device."""

    commit: str  # Git commit of the code, "+changes" where files differed from it, "" outside a checkout
    code: str  # SHA-256 of the code that decides what a run computes
    torch: str  # version of torch
    python: str  # version of Python
    device: str  # name of the processor or GPU
    device_type: str  # cpu or cuda
    threads: int  # that torch used
    cores: int | None  # of the machine
    parts: int  # uninterrupted parts of training on it


@dataclass(frozen=True, kw_only=True)
class DataRead:
    """Data that runs read."""

    dataset: str  # name of the data set or of a copy
    fingerprints: dict[str, str]  # SHA-256 over labels and pixels, by split
    runs: int  # that read them


@dataclass(frozen=True, kw_only=True)
class TotalCost:
    """The cost of all complete runs, judged or waiting for others."""

    runs: int  # behind the verdicts, or complete and waiting
    trained: int  # of them; the others were only built, or evaluated as they were initialised
    untrained: int  # of them: networks of which nothing is trained, evaluated
    device_seconds: float  # of training in total, by the clock, whatever else the device did
    processor_seconds: float | None  # that the threads of these runs worked, as far as records say; null if none does
    peak_memory_bytes: int | None  # of the largest process


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Whether the judged rules are the registered ones."""

    file: str  # name of the registration
    sha256: str  # SHA-256 of the file
    registered: str  # its date
    judging_code: bool  # whether the judging code is the registered one
    unregistered: tuple[str, ...]  # checks that it does not contain
    changed: tuple[str, ...]  # checks whose criterion differs from the registered one


@dataclass(frozen=True, kw_only=True)
class Document:
    """The verdicts on the claims of some works, and everything that the report may read."""

    schema_version: Literal[12]  # raised whenever a field changes its meaning
    scale: Literal["smoke", "pilot", "paper"]  # of all runs
    suite: Suite  # the code that judged
    works: tuple[Work, ...]  # that the claims are about, companions after the work that they report on
    figures: tuple[RedrawnFigure, ...]  # of those works, to redraw from the runs
    tags: dict[str, str]  # what the certainty tags of references mean
    protocol: dict[str, Any]  # settings that the trained runs share, with at most three values each
    scales: tuple[ScaleNeeds, ...]  # trained runs needed at each scale, how many exist, and the cost of the rest
    coverage: tuple[Covered, ...]  # every row of the catalogue
    claims: tuple[ClaimEntry, ...]  # one entry per claim
    judgements: tuple[Judgement, ...]  # one row per check: a claim at one point of its grid
    runs: tuple[RunRow, ...]  # each complete run once
    waiting: tuple[RunRow, ...]  # complete runs of checks that wait for others: drawn, and behind no verdict yet
    environment: tuple[Environment, ...]  # each distinct combination of code, versions and device
    data: tuple[DataRead, ...]  # each distinct set
    cost: TotalCost  # of all runs
    cluster: dict[str, Any] | None  # account of GPU-hours; null without a submission
    multiverses: tuple[Multiverse, ...]  # of each primary check that was judged statistically
    distances: tuple[Distance, ...]  # of claims that the scale cannot test, from published values: drawn in grey
    registration: Registration | None  # comparison with a registration; null without one
