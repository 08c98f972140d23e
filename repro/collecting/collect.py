"""Checks: what pytest collects from claim files, without running a test."""

import contextlib
import io
import os
import traceback
from collections.abc import Generator, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repro.collecting.garbage import no_search
from repro.collecting.ids import defining
from repro.collecting.plugin import SESSION, Session
from repro.collecting.works import works
from repro.errors import ClaimError, NoPointError, ReproError, did_you_mean
from repro.provenance import claims, folder
from repro.recipes import SCALES

if TYPE_CHECKING:
    from repro.check import Check


MOST = 1000  # Python files that a folder of claims never has: it is somebody's home or the root
# Plugins that collecting does without: the one that judges, one that needs a stderr (faulthandler), one that collects
# garbage twice at the end (unraisableexception), and others that take a millisecond or more each to be imported.
UNUSED = (
    "repro.cli.checks", "cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging",
    "pastebin", "recwarn", "setuponly", "setupplan", "stepwise", "subtests", "threadexception", "tmpdir", "unittest",
    "unraisableexception",
)  # fmt: skip


class _Catcher:
    """Keeps the plugin's session, and what claim files raised."""

    session: Session

    def __init__(self) -> None:
        self.raised: list[tuple[str, BaseException]] = []  # where, what

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Passes over what lies beside claim files, such as evidence, before others look at it more closely."""
        return None if collection_path.suffix == ".py" or collection_path.is_dir() else True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Runs after collection and deselection."""
        self.session = session.config.stash[SESSION]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Keeps what importing a claim file raised, with the file's name, also if that would end pytest."""
        try:
            report = yield
        except (SystemExit, pytest.exit.Exception) as error:
            self.raised.append((collector.name, error))
            raise
        call = getattr(report, "call", None)
        if call is not None and call.excinfo is not None:
            raised = call.excinfo.value
            self.raised.append((collector.name, raised.__cause__ or raised))
        return report


def collect(
    *, scale: str, paths: Sequence[str] = (), ids: Sequence[str] = (), keyword: str = "", copy: str | None = None
) -> Session:
    """The checks of claim files at a scale; of this suite's own claims unless paths are given.

    ``ids`` of claims or checks select exactly these, ``keyword`` as pytest's -k.

    Controls that the checks of some files depend on and that lie in other files come with them: selected, unless ids
    or a keyword ask for single checks; of a control with a point for each network, those of networks that are trained.

    Raises:
        ClaimError: a claim file cannot be read or breaks a rule, or nothing is selected.
    """
    where = list(paths) or [str(claims())]
    if not paths and not claims().samefile(folder("claims")):  # the user's own, which may depend on ours
        where += sorted({str(path) for name in ids for path in _controls(name)})
    found = _session(where, scale, keyword, copy, ids)
    known = {check.claim.id for check in found.checks.values()} | found.pointless.keys()
    needed = {
        (name, check.file.parent) for check in found.selected for name in check.claim.depends_on if name not in known
    }
    files = {str(path) for name, beside in needed for path in defining(name, beside)[:1]}
    if not files:
        return found
    with_controls = _session([*where, *sorted(files)], scale, keyword, copy, ids)
    own = [check for check in with_controls.selected if str(check.file) not in files]
    trained = {spec.network for check in own for spec in check.runs(1).values() if spec.rows}
    controls = [
        check
        for check in with_controls.selected
        if str(check.file) in files
        and any(check.claim.id in one.claim.depends_on for one in own)
        and (not check.claim.per_network or trained & {spec.network for spec in check.runs(1).values()})
    ]
    with_controls.selected = own if keyword or ids else own + controls
    return with_controls


def at_every_scale(
    *, paths: Sequence[str] = (), ids: Sequence[str] = (), keyword: str = "", copy: str | None = None
) -> list["Check"]:
    """The checks that ``collect`` would select at any scale, scale by scale; ids select those of a work, too.

    Raises:
        ClaimError: as ``collect``, or an id names nothing at any scale.
    """
    checks: list[Check] = []
    known: set[str] = set()
    pointless: NoPointError | None = None
    for scale in SCALES:  # at some of them a claim may have no point
        try:
            session = collect(scale=scale, paths=paths, keyword=keyword, copy=copy)
        except NoPointError as error:
            pointless = error
            continue
        known |= session.pointless.keys()
        for check in session.selected:
            names = {check.id, check.claim.id, check.claim.source.work}
            known |= names
            checks += [check] if not ids or names & {*ids} else []
    if not known and pointless is not None:
        raise pointless
    if unknown := [name for name in ids if name not in known]:
        raise ClaimError(f"no claim or check is named {unknown[0]!r}; `repro list` names all.")
    return checks


def _controls(name: str) -> list[Path]:
    """The file of ours that defines the control with an id, if there is one."""
    ours = folder("claims") / "controls"
    return [path for path in defining(name.partition("[")[0], ours) if path.parent == ours][:1]


def _session(where: list[str], scale: str, keyword: str, copy: str | None, ids: Sequence[str]) -> Session:
    for path in where:
        if not path.strip():
            raise ClaimError("a path is empty; name claim files or folders, or none for all claims.")
        if not Path(path.partition("::")[0]).exists():
            raise ClaimError(f"{path} does not exist; name claim files or folders, or none for all claims.")
        below = (name for _, _, names in os.walk(path) for name in names if name.endswith(".py"))
        if sum(1 for _ in islice(below, MOST)) == MOST:
            raise ClaimError(f"{path} holds {MOST} Python files or more, and each would be imported; name claim files.")
    arguments = ["--collect-only", "-qq", "--scale", scale, "-o", "python_files=*.py", "-o", "addopts="]
    arguments += [
        "--import-mode=importlib",
        "--noconftest",  # beside claim files, it would be a program that no criterion knows
        "--assert=plain",
        "--tb=native",  # what was raised is told by _message; pytest's own style parses the sources
        "-p",
        "repro.collecting.plugin",
        *(word for name in UNUSED for word in ("-p", f"no:{name}")),
        "-W",
        "error::pytest.PytestUnknownMarkWarning",
        "-W",
        "ignore::pytest.PytestConfigWarning",  # python -O: our checks raise, they do not assert
    ]
    arguments += ["-k", keyword] if keyword else []
    arguments += ["--data", copy] if copy is not None else []
    catcher, code, printed = _collected([*where, *arguments])
    if catcher.raised:
        raise ClaimError(_message(*catcher.raised[0]))
    if "Wrong expression passed to '-k'" in printed:
        raise ClaimError(f"-k {keyword!r} is neither an id nor words with and, or, not; `repro list` names all.")
    errors = [line.removeprefix("ERROR: ") for line in printed.splitlines() if line.startswith("ERROR: ")]
    if errors and errors[0].startswith("not found: "):
        missed = errors[0].removeprefix("not found: ")
        raise ClaimError(f"{missed} is not a claim file, or not a check in one; `repro list` names all.")
    if errors:
        raise ClaimError(errors[0])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED or (code == pytest.ExitCode.OK and not catcher.session.selected):
        raise _nothing(where, keyword, catcher)
    if code != pytest.ExitCode.OK:
        raise ClaimError(" ".join(printed.split()[-60:]) or f"pytest ended with {code} and no message.")
    if ids:
        _select(catcher.session, ids)
    works(catcher.session.selected)  # a mistake there would come to light when all is trained
    return catcher.session


def _select(session: Session, ids: Sequence[str]) -> None:
    """Leaves the checks with some ids, or of works with some names, selected.

    Raises:
        ClaimError: there is no such id, or its claim has no point at this scale.
    """
    known = {name for check in session.selected for name in _names(check)}
    for name in ids:
        if name in session.pointless:
            raise ClaimError(session.without_point(name))
        if name not in known:
            near = get_close_matches(name, sorted(known | session.pointless.keys()), n=3, cutoff=0.7)
            advice = f"did you mean {' or '.join(near)}?" if near else "`repro list` names all."
            raise ClaimError(f"no claim or check is named {name!r}; {advice}")
    session.selected = [check for check in session.selected if {*_names(check)} & {*ids}]


def _names(check: "Check") -> tuple[str, str, str]:
    return check.id, check.claim.id, check.claim.source.work


def _collected(arguments: list[str]) -> tuple[_Catcher, int, str]:
    """What a pytest session collected, its exit code and its output; raises on an interrupt."""
    catcher, printed = _Catcher(), io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins take a quarter of a second
        with no_search():
            code = pytest.main(arguments, plugins=[catcher])
    if code == pytest.ExitCode.INTERRUPTED and "KeyboardInterrupt" in printed.getvalue() and not catcher.raised:
        raise KeyboardInterrupt
    return catcher, int(code), printed.getvalue()


def _message(where: str, error: BaseException) -> str:
    """One line on what a claim file raised."""
    match error:
        case SystemExit() | pytest.exit.Exception():
            return f"{where} ends the program when it is imported ({type(error).__name__}); a claim file only declares."
        case pytest.skip.Exception():
            return f"{where} skips itself; deselect a check with -k, or delete it."
        case ReproError():
            return f"{' '.join(str(error).split())} ({where})"
        case SyntaxError():
            return f"SyntaxError: {error.msg}, line {error.lineno} ({where})"
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"line {frame.lineno}" for frame in frames if frame.filename.endswith(where)]
    place = ", ".join([where, *at[-1:]])
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({place})"


def _nothing(where: Sequence[str], keyword: str, catcher: _Catcher) -> ClaimError:
    """Why nothing was selected, and the nearest id."""
    session = getattr(catcher, "session", None)
    checks = list(session.checks.values()) if session else []
    if not checks:
        if session and session.pointless:
            return NoPointError(session.without_point(next(iter(session.pointless))))
        return ClaimError(f"{', '.join(where)} holds no claim: no function there is marked with @claim(...).")
    assert session is not None
    for name in session.pointless:
        if keyword and keyword in name:
            return NoPointError(session.without_point(name))
    ids = sorted({check.claim.id for check in checks} | {check.id for check in checks})
    return ClaimError(
        f"no check matches -k {keyword!r} in {', '.join(where)}{did_you_mean(keyword, ids)}; `repro list` names all."
    )
