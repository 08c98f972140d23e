"""The pytest plugin that judges: a marked test judges one check, after training its runs with --run-missing."""

import shlex
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

from repro.check import Check
from repro.collecting.plugin import CHECK, SESSION
from repro.errors import ReproError
from repro.judging.judge import judge, requested_seeds
from repro.judging.verdict import PROVISIONAL, Answer, Judgement, Verdict, exit_code
from repro.reporting.tables import digits
from repro.runs.store import Store


@dataclass
class Judged:
    """What one pytest session judged."""

    words: list[tuple[str, str]] = field(default_factory=list)  # verdict and answer, from the test reports
    provisional: list[bool] = field(default_factory=list)  # of the same ones
    other_failures: int = 0  # of ordinary tests, and of checks that could not be judged
    rows: dict[str, Judgement] | None = None  # of all checks of the session, once the first is asked for


JUDGED = pytest.StashKey[Judged]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of judging."""
    group = parser.getgroup("repro", "replication of the papers' claims")
    group.addoption("--results", default="results", help="the store of runs (default results)")
    group.addoption("--data-dir", default="data", help="folder of CIFAR-10 (default data)")
    group.addoption("--run-missing", action="store_true", help="train the missing runs before judging")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the counter of verdicts."""
    if config.getoption("--run-missing") and config.getoption("numprocesses", None):
        raise pytest.UsageError(
            "--run-missing trains on all cores or GPUs by itself, and each process of -n would; leave out -n, or train "
            "first with: repro run"
        )
    config.stash[JUDGED] = Judged()
    config.pluginmanager.register(_Counter(config.stash[JUDGED]), "repro-counter")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Trains the missing runs, with --run-missing."""
    config, found = session.config, session.config.stash[SESSION]
    checks = [item.stash[CHECK] for item in session.items if CHECK in item.stash]
    if not config.getoption("--run-missing") or config.getoption("--collect-only") or not checks:
        return
    from repro.executing.execute import run_all  # not needed to judge

    store = Store(Path(config.getoption("--results")))
    try:
        run_all(
            checks,
            store,
            data_dir=Path(config.getoption("--data-dir")),
            requested_seeds=lambda: requested_seeds(checks, store, list(found.checks.values())),
            collected=found.checks.values(),
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
    results, data_dir = config.getoption("--results"), config.getoption("--data-dir")
    try:
        row = _row(check, pyfuncitem.session, Store(Path(results)))
    except ReproError as error:
        pytest.fail(str(error), pytrace=False)
    pyfuncitem.user_properties.extend(properties(check, row))
    words = ", ".join((_words(row.verdict, row.answer), *row.marks))
    if row.verdict is Verdict.PENDING:
        _skip(f"{words}: {row.why} Train them with: {_command(check, results, data_dir)}")
    if exit_code([(row.verdict, row.answer)]):
        pytest.fail(f"{words}\n{row.why}", pytrace=False)
    if row.verdict in (Verdict.MEASURED, Verdict.INCONCLUSIVE) or row.answer is Answer.OPEN:
        _skip(f"{words}: {row.why}")
    return True


def _skip(why: str) -> NoReturn:
    """Skips a check at its own place: pytest's summary groups what is skipped at one."""
    raise pytest.skip.Exception(why, _use_item_location=True)


def _row(check: Check, session: pytest.Session, store: Store) -> Judgement:
    """The judgement of a check; of all checks of the session at once, so that controls are judged once.

    Raises:
        ReproError: this one cannot be judged.
    """
    config = session.config
    judged, controls = config.stash[JUDGED], list(config.stash[SESSION].checks.values())
    if judged.rows is None:
        checks = [item.stash[CHECK] for item in session.items if CHECK in item.stash]
        try:
            judged.rows = {row.check: row for row in judge(checks, store, controls=controls)}
        except ReproError:  # of one that cannot be judged, which is then alone in failing
            judged.rows = {}
    return judged.rows.get(check.id) or judge([check], store, controls=controls)[0]


def properties(check: Check, row: Judgement) -> list[tuple[str, str]]:
    """What --junitxml says of a check beside pass or fail: texts, for anything else does not cross xdist.

    Each name once; without a value, such as a p-value of an exact claim, a property is left out. Of several findings
    the intervals are numbered.
    """
    source = check.claim.source
    told = [
        ("claim", check.claim.id), ("check", check.id), ("scale", check.scale),
        ("source", f"{source.work}, {source.place}"), ("reference", source.reference or ""), ("tag", source.tag),
        ("verdict", str(row.verdict)), ("answer", str(row.answer)), ("marks", "; ".join(row.marks)),
        ("seeds", str(row.seeds)), ("p_for", digits(row.p_for)), ("p_against", digits(row.p_against_corrected)),
        ("criterion_sha256", row.criterion_sha256),
    ]  # fmt: skip
    many = len(row.findings) > 1
    for index, finding in enumerate(row.findings, 1):
        if finding.interval is not None:
            low, high = finding.interval
            level = f" at {100 * finding.interval_level:.0f} %" if finding.interval_level else ""
            ends = f"[{digits(low)}, {digits(high)}] {finding.unit}{level}"
            words = f"{finding.label}: {digits(finding.estimate)} {ends}"
            told.append((f"interval {index}" if many else "interval", words))
    return [(name, text) for name, text in told if text]


def _command(check: Check, results: str, data_dir: str) -> str:
    words = ["repro", "run", check.claim.id, "--scale", check.scale, "--results", results]
    words += ["--data", check.dataset] if check.dataset else []
    words += ["--data-dir", data_dir] if data_dir != "data" else []
    return shlex.join(words)


def _words(verdict: str, answer: str) -> str:
    """Verdict and answer in two or three words, such as ``SMOKE seen``."""
    return verdict if answer == Answer.NONE else f"{verdict} {answer}"


def _properties(report: pytest.TestReport) -> dict[str, str]:
    """The verdict in a report; {} for a collection report."""
    return {name: str(value) for name, value in getattr(report, "user_properties", ())}


class _Counter:
    """Counts verdicts from reports, also in xdist's controller, which judges no check itself."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Records the verdict in a report."""
        properties = _properties(report)
        if report.when == "call" and "verdict" in properties:
            self._judged.words.append((properties["verdict"], properties["answer"]))
            self._judged.provisional.append(PROVISIONAL in properties.get("marks", ""))
        elif report.failed:
            self._judged.other_failures += 1


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Generator[None, Any, Any]:
    """Shows the verdict as a test's status word; the category stays pytest's own, and so does its FAILURES section."""
    status = yield
    properties = _properties(report)
    if "verdict" in properties and report.when == "call":
        category, letter, _ = status
        return category, letter, _words(properties["verdict"], properties["answer"])
    return status


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Counts the verdicts."""
    words = config.stash[JUDGED].words
    if words:
        counts = Counter(
            _words(verdict, answer) + f" ({PROVISIONAL})" * provisional
            for (verdict, answer), provisional in zip(words, config.stash[JUDGED].provisional, strict=True)
        )
        terminalreporter.section(f"verdicts at scale {config.getoption('--scale')}")
        terminalreporter.line(", ".join(f"{count} {word}" for word, count in sorted(counts.items())))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Exit codes of a session that judged claims: see ``verdict.exit_code``."""
    judged = session.config.stash[JUDGED]
    if judged.words and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = 2 if judged.other_failures else exit_code(judged.words)
