"""The pytest plugin: collection is planning, and a test is the judgement of one check."""

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from repro.claim import Check, Claim
from repro.errors import ClaimError, DataError, ReproError
from repro.judging.judge import judge
from repro.judging.verdict import Answer, Verdict
from repro.recipes import SCALES, check_scale
from repro.runs.datasets import COPIES
from repro.runs.store import Store


@dataclass
class Session:
    """What one pytest session collected and judged."""

    checks: dict[str, Check] = field(default_factory=dict)  # by node id, before -k and -m
    selected: list[Check] = field(default_factory=list)
    judged: list[tuple[str, str]] = field(default_factory=list)  # verdict and answer, as the test reports tell them
    other_failures: int = 0  # of ordinary tests, and of checks that could not be judged


SESSION = pytest.StashKey[Session]()
CHECK = pytest.StashKey[Check]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of the suite."""
    group = parser.getgroup("repro", "replication of the papers' claims")
    group.addoption("--scale", default="smoke", help=f"which runs to judge by: {', '.join(SCALES)} (default smoke)")
    group.addoption("--results", default="results", help="the store of runs (default results)")
    group.addoption("--data", default=None, help="a named copy of CIFAR-10 to stand in for it, such as cifar10-jpeg")
    group.addoption("--data-dir", default="data", help="where CIFAR-10 lies (default data)")
    group.addoption("--run-missing", action="store_true", help="train the missing runs before judging")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker and checks the options."""
    config.addinivalue_line("markers", "claim(claim): the function is the check of one claim of a paper")
    config.stash[SESSION] = Session()
    config.pluginmanager.register(_Counter(config.stash[SESSION]), "repro-counter")
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
        ids = [",".join(f"{name}={value}" for name, value in point.items()) for point in points]
        metafunc.parametrize(names, [tuple(point[name] for name in names) for point in points], ids=ids)


@pytest.fixture
def evidence() -> None:
    """What a check reads its runs through; the plugin puts an `Evidence` here when it judges."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Makes a Check of every marked test, before -k and -m deselect any, and lets -k be an id."""
    found = config.stash[SESSION]
    dataset = config.getoption("--data")
    items[:] = [item for item in items if _has_a_point(item)]
    for item in items:
        marker = item.get_closest_marker("claim")
        if marker is None or not isinstance(item, pytest.Function):
            continue
        params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        check = Check(
            claim=marker.args[0],
            scale=config.getoption("--scale"),
            params=params,
            file=item.path,
            function=item.obj,
            dataset=None if dataset == "cifar10" else dataset,
        )
        item.stash[CHECK] = check
        item.extra_keyword_matches.update((check.id, check.claim.id))
        found.checks[item.nodeid] = check
    try:
        _refuse_duplicates(found.checks)
        for check in found.checks.values():
            _try_runs(check)
    except ReproError as error:
        raise pytest.UsageError(str(error)) from None
    _select_by_id(config, items)


def _has_a_point(item: pytest.Item) -> bool:
    """Whether an ordinary test, or a claim that has a check at the chosen scale."""
    marker = item.get_closest_marker("claim")
    return marker is None or bool(marker.args[0].grid[item.config.getoption("--scale")])


def _select_by_id(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes a -k that is the whole id of a check or a claim as that: pytest's grammar has no word with "["."""
    named = [item for item in items if config.option.keyword in item.extra_keyword_matches]
    if named:
        config.hook.pytest_deselected(items=[item for item in items if item not in named])
        items[:] = named
        config.option.keyword = ""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keeps what is left after -k and -m, and trains what is missing if asked to."""
    config = session.config
    found = config.stash[SESSION]
    found.selected = [item.stash[CHECK] for item in session.items if CHECK in item.stash]
    if not config.getoption("--run-missing") or config.getoption("--collect-only") or not found.selected:
        return
    from repro.executing.execute import run_all  # not needed to plan or judge

    try:
        run_all(
            found.selected, Store(Path(config.getoption("--results"))), data_dir=Path(config.getoption("--data-dir"))
        )
    except ReproError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judges a check instead of calling it as a test."""
    check = pyfuncitem.stash.get(CHECK, None)
    if check is None:
        return None
    config = pyfuncitem.config
    found = config.stash[SESSION]
    results = config.getoption("--results")
    try:
        row = judge([check], Store(Path(results)), controls=_controls(found, check))[0]
    except ReproError as error:
        pytest.fail(str(error), pytrace=False)
    pyfuncitem.user_properties.append(("verdict", str(row.verdict)))
    pyfuncitem.user_properties.append(("answer", str(row.answer)))
    if row.verdict is Verdict.PENDING:
        arguments = f"--scale {check.scale} --results {results}" + (f" --data {check.dataset}" if check.dataset else "")
        pytest.skip(f"PENDING: {row.why} Make them with: repro run {arguments} -k '{check.claim.id}'")
    if row.verdict in (Verdict.BLOCKED, Verdict.INVALID) or row.answer in (Answer.FAILS, Answer.UNDECIDED):
        pytest.fail(f"{_words(row.verdict, row.answer)}\n{row.why}", pytrace=False)
    return True


def _words(verdict: str, answer: str) -> str:
    """Verdict and answer in two or three words, such as ``SMOKE holds``."""
    return verdict if answer == Answer.NONE else f"{verdict} {answer}"


def _told(report: pytest.TestReport) -> dict[str, str]:
    """What a report says of a verdict; a collection report says nothing."""
    return {name: str(value) for name, value in getattr(report, "user_properties", ())}


class _Counter:
    """Hears every report, in xdist's controller too, where no check is judged."""

    def __init__(self, found: Session) -> None:
        self._found = found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes what a report says of a verdict."""
        told = _told(report)
        if report.when == "call" and "verdict" in told:
            self._found.judged.append((told["verdict"], told["answer"]))
        elif report.failed:
            self._found.other_failures += 1


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Generator[None, Any, Any]:
    """Shows the verdict as the word of a test; the category stays pytest's own, so its FAILURES section does too."""
    status = yield
    told = _told(report)
    if "verdict" in told and report.when == "call":
        category, letter, _ = status
        return category, letter, _words(told["verdict"], told["answer"])
    return status


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Counts the verdicts."""
    judged = config.stash[SESSION].judged
    if judged:
        counts = Counter(_words(verdict, answer) for verdict, answer in judged)
        terminalreporter.section(f"verdicts at scale {config.getoption('--scale')}")
        terminalreporter.line(", ".join(f"{count} {words}" for words, count in sorted(counts.items())))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Exit codes of a session that judged claims: see ``exit_code``."""
    found = session.config.stash[SESSION]
    if found.judged and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = 2 if found.other_failures else exit_code(found.judged)


def exit_code(judged: Iterable[tuple[str, str]]) -> int:
    """Of verdicts with answers. 0: all judged and hold; 1: some do not; 2: the harness failed; 3: some are pending."""
    pairs = list(judged)
    verdicts = {verdict for verdict, _ in pairs}
    if Verdict.BLOCKED in verdicts:
        return 2
    if Verdict.PENDING in verdicts:
        return 3
    fine = all(answer == Answer.HOLDS or verdict == Verdict.MEASURED for verdict, answer in pairs)
    return 0 if fine else 1


def _try_runs(check: Check) -> None:
    """Refuses a spec that no network has, or runs() that cannot be called, now and not in a worker."""
    try:
        check.runs(check.looks[0])
    except ReproError as error:
        raise type(error)(f"check {check.id}: {error}") from None
    except Exception as error:
        raise ClaimError(
            f"check {check.id} in {check.file.name}: its runs() crashed ({type(error).__name__}: {error}); "
            "it takes scale, seed and the names of the grid, and returns arm -> run."
        ) from None


def _controls(found: Session, check: Check) -> list[Check]:
    return [other for other in found.checks.values() if other.claim.id in check.claim.depends_on]


def _refuse_duplicates(checks: dict[str, Check]) -> None:
    owners: dict[str, Path] = {}
    claims: dict[str, Claim] = {}
    for check in checks.values():
        owner = owners.setdefault(check.claim.id, check.file)
        if claims.setdefault(check.claim.id, check.claim) is not check.claim or owner != check.file:
            raise ClaimError(
                f"claim id {check.claim.id!r} is used twice, in {owner.name} and {check.file.name}; rename one."
            )
