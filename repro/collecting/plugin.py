"""The pytest plugin that collects: every marked function is a check at each point of its grid."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repro.check import Check, point
from repro.claim import CONTROL, PRECISION, Claim
from repro.collecting.catalogue import catalogue, home, primaries
from repro.collecting.ids import defining
from repro.errors import ClaimError, DataError, ReproError
from repro.recipes import SCALES, check_scale
from repro.runs.datasets import COPIES
from repro.runs.network_spec import NetworkSpec

JUDGING = "repro.cli.checks"  # the plugin that judges, which planning blocks
NO_CLAIM_FILES = ("conftest.py", "__init__.py")


@dataclass
class Session:
    """What one pytest session collected."""

    checks: dict[str, Check] = field(default_factory=dict)  # by node id, before -k and -m
    selected: list[Check] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)  # every module that pytest collected from
    pointless: dict[str, str] = field(default_factory=dict)  # why a claim has no point at this scale, by id
    elsewhere: dict[str, list[str]] = field(default_factory=dict)  # the scales at which such a claim has points

    def without_point(self, name: str) -> str:
        """A message on a claim that has no point at this scale."""
        others = " or ".join(f"--scale {scale}" for scale in self.elsewhere[name])
        return f"{name} has no point at this scale: {self.pointless[name]}. Points: {others or 'at no scale'}."

    def whole_folders(self) -> tuple[Path, ...]:
        """The folders of claims all of whose files were collected and all of whose checks are selected."""
        folders = dict.fromkeys(path.parent for path in self.files)
        left_out = {check.file.parent for check in self.checks.values() if check not in self.selected}
        chosen = {check.file.parent for check in self.selected}  # in a selection, none without a point at this scale
        return tuple(
            folder
            for folder in folders
            if folder not in left_out
            and (folder in chosen or not left_out)
            and {*folder.glob("*.py")} <= {*self.files, *map(folder.joinpath, NO_CLAIM_FILES)}
        )


SESSION = pytest.StashKey[Session]()
CLAIM_FILES = "claims/*/*.py"
CHECK = pytest.StashKey[Check]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options that decide which runs a check needs."""
    group = parser.getgroup("repro", "replication of the papers' claims")
    group.addoption("--scale", default="smoke", help=f"which runs to judge by: {', '.join(SCALES)} (default smoke)")
    group.addoption("--data", default=None, help="a named copy to use in place of CIFAR-10, such as cifar10-jpeg")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker and checks the options."""
    config.addinivalue_line("markers", "claim(claim): the function is the check of one claim of a paper")
    config.stash[SESSION] = Session()
    # An option's separate value, such as a folder, may have moved the root up: pytest does not know the option yet.
    roots = (config.rootpath, config.invocation_params.dir)
    works = any(any(root.glob("claims/*/source.toml")) for root in roots)
    if works and CLAIM_FILES not in config.getini("python_files"):
        config.addinivalue_line("python_files", CLAIM_FILES)  # pytest claims, without any configuration
        config.option.importmode = "importlib"  # files of two works may have the same name
    try:
        check_scale(config.getoption("--scale"))
        check_copy(config.getoption("--data"))
    except ReproError as error:
        raise pytest.UsageError(str(error)) from None


def check_copy(name: str | None) -> None:
    """Refuses a --data that names no copy of CIFAR-10.

    Raises:
        DataError: it is unknown.
    """
    if name is not None and name not in COPIES:
        raise DataError(f"--data is {name!r}; allowed: {', '.join(COPIES)}.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for every point of a claim's grid at the chosen scale."""
    marker = metafunc.definition.get_closest_marker("claim")
    if marker is None:
        return
    claim: Claim = marker.args[0]
    points = claim.grid[metafunc.config.getoption("--scale")]
    names = list(points[0]) if points else []
    if names:
        values = [tuple(one[name] for name in names) for one in points]
        metafunc.parametrize(names, values, ids=[*map(point, points)])


@pytest.fixture
def evidence() -> None:
    """Through this a check reads its runs; the judging plugin passes an `Evidence` instead."""


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Records every collected file, to find claim files without a check."""
    if isinstance(collector, pytest.Module):
        collector.config.stash[SESSION].files.append(collector.path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Makes a Check of every marked test, before -k and -m deselect any, and accepts an id for -k."""
    found = config.stash[SESSION]
    dataset = config.getoption("--data")
    marked = {item.path for item in items if item.get_closest_marker("claim")}
    scale = config.getoption("--scale")
    for claim in [marker.args[0] for item in items for marker in item.iter_markers("claim")]:
        if not claim.grid[scale]:
            found.pointless[claim.id] = claim.untestable[scale]
            found.elsewhere[claim.id] = [other for other, points in claim.grid.items() if points]
    items[:] = [item for item in items if _has_a_point(item)]
    try:
        for item in items:
            marker = item.get_closest_marker("claim")
            if marker is not None and isinstance(item, pytest.Function):
                check = Check(
                    claim=marker.args[0],
                    scale=config.getoption("--scale"),
                    params=dict(item.callspec.params) if hasattr(item, "callspec") else {},
                    file=item.path,
                    function=item.obj,
                    dataset=None if dataset == "cifar10" else dataset,
                    primaries=primaries(item.path),
                    catalogue=home(item.path),
                )
                item.stash[CHECK] = check
                item.extra_keyword_matches.update((check.id, check.claim.id, check.claim.source.work))
                found.checks[item.nodeid] = check
        if config.pluginmanager.is_blocked(JUDGING):  # planning: every file is a claim file
            _refuse_files_without_checks(found.files, items, marked)
        checks = list(found.checks.values())
        _refuse_contradictions(checks)
        _refuse_coroutines(checks)
        _refuse_duplicates(checks)
        _refuse_unknown_claims(checks)
        for check in checks:
            check.arms(check.looks[0])  # refuses an impossible run now, and not in a worker; later looks when asked for
            _refuse_uncontrolled(check)
    except ReproError as error:
        raise pytest.UsageError(str(error)) from None
    _select_by_id(config, items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keeps what is left after -k and -m."""
    found = session.config.stash[SESSION]
    found.selected = [item.stash[CHECK] for item in session.items if CHECK in item.stash]


def _has_a_point(item: pytest.Item) -> bool:
    """Whether an item is an ordinary test, or a claim that has a check at the chosen scale."""
    marker = item.get_closest_marker("claim")
    return marker is None or bool(marker.args[0].grid[item.config.getoption("--scale")])


def _select_by_id(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Selects by -k if it is whole ids of checks or claims joined by "or": pytest's expressions do not allow "["."""
    wanted = {*config.option.keyword.split(" or ")}
    named = [item for item in items if item.extra_keyword_matches & wanted]
    if wanted <= {name for item in named for name in item.extra_keyword_matches}:
        config.hook.pytest_deselected(items=[item for item in items if item not in named])
        items[:] = named
        config.option.keyword = ""


def _refuse_uncontrolled(check: Check) -> None:
    """Refuses runs in a lower precision without the control that holds it against float32."""
    specs = [spec for some in check.arms(1).values() for spec in some if isinstance(spec, NetworkSpec)]
    lower = sorted({spec.precision for spec in specs} - {"float32"})
    if lower and PRECISION not in (check.claim.id, *check.claim.depends_on):
        raise ClaimError(
            f"claim {check.claim.id} in {check.file.name} trains in {', '.join(lower)}; its depends_on must name "
            f'"{PRECISION}", which holds that against float32.'
        )


def _refuse_files_without_checks(files: list[Path], items: list[pytest.Item], marked: set[Path]) -> None:
    unmarked = [item for item in items if CHECK not in item.stash]
    if unmarked:
        raise ClaimError(
            f"{unmarked[0].name} in {unmarked[0].path.name} is not a check; mark it with @claim(id=…, sentence=…, …), "
            "or move it out of the claim files."
        )
    empty = [path for path in files if path not in marked and path.name not in NO_CLAIM_FILES]
    if empty and marked:
        raise ClaimError(
            f"{empty[0].name} holds no check; give it a function test_…(evidence) marked with @claim(…), or move it."
        )


def _refuse_unknown_claims(checks: list[Check]) -> None:
    """Refuses a control or a repeated claim that no claim file defines, and a repetition that repeats nothing."""
    by_id = {check.claim.id: check for check in reversed(checks)}
    elsewhere = {
        (name, check.file.parent): check
        for check in by_id.values()
        for name in (*check.claim.depends_on, *((check.claim.same_as,) if check.claim.same_as else ()))
        if name not in by_id
    }
    for (name, work), check in elsewhere.items():
        if not defining(name, work):
            raise ClaimError(
                f"claim {check.claim.id} in {check.file.name} names {name!r}, which no claim file defines; "
                "correct its depends_on or same_as."
            )
    for check in by_id.values():
        other = by_id.get(check.claim.same_as or "")
        if other is not None and (other.claim.rule != check.claim.rule or other.recipe != check.recipe):
            raise ClaimError(
                f"claim {check.claim.id} is declared the same as {other.claim.id}, but its rule or its runs differ; "
                "drop same_as or make them equal."
            )


def _refuse_contradictions(checks: list[Check]) -> None:
    """Refuses a claim in the folder of another work, or a main claim of only one of file and catalogue."""
    for check in {check.claim.id: check for check in checks}.values():
        claim, folder = check.claim, check.file.parent
        if claim.source.work not in (CONTROL, folder.name) and (folder / "source.toml").exists():
            raise ClaimError(
                f"claim {claim.id} in {check.file} names the work {claim.source.work!r}, and lies in the folder of "
                f"{folder.name!r}; correct one."
            )
        listed = {row.id: row.primary for row in catalogue(check.catalogue)} if check.catalogue else {}
        if listed.get(claim.id, claim.primary) != claim.primary:
            raise ClaimError(
                f"claim {claim.id} is {'no ' * (not claim.primary)}main claim in {check.file} and the opposite in "
                f"{check.catalogue}: write primary = {str(claim.primary).lower()} there, or @claim(primary="
                f"{not claim.primary}, …) before its first run."
            )


def _refuse_coroutines(checks: list[Check]) -> None:
    """Refuses a check that a call alone does not run: it would read nothing."""
    for check in checks:
        if inspect.iscoroutinefunction(check.function) or inspect.isasyncgenfunction(check.function):
            raise ClaimError(f"check {check.id} in {check.file.name} is an async function; write def without async.")


def _refuse_duplicates(checks: list[Check]) -> None:
    owners: dict[str, Path] = {}
    claims: dict[str, Claim] = {}
    for check in checks:
        owner = owners.setdefault(check.claim.id, check.file)
        if claims.setdefault(check.claim.id, check.claim) is not check.claim or owner != check.file:
            raise ClaimError(f"claim id {check.claim.id!r} is used twice, in {owner} and {check.file}; rename one.")
