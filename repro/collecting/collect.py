"""Checks: what pytest collects from claim files, without running a test."""

import contextlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.errors import ClaimError
from repro.provenance import folder

if TYPE_CHECKING:
    from repro.collecting.plugin import Session


class _Catcher:
    """Takes the plugin's session over; importing the plugin here before pytest does would make pytest warn."""

    session: "Session"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Runs when everything is collected and deselected."""
        from repro.collecting.plugin import SESSION

        self.session = session.config.stash[SESSION]


def collect(*, scale: str, paths: Sequence[str] = (), keyword: str = "", copy: str | None = None) -> "Session":
    """The checks of claim files at a scale; of this suite's own claims unless paths are given.

    Raises:
        ClaimError: a claim file cannot be read or breaks a rule, or nothing is selected.
    """
    where = list(paths) or [str(folder("claims"))]
    for path in where:
        if not Path(path.partition("::")[0]).exists():
            raise ClaimError(f"{path} does not exist; name claim files or folders, or none for all claims.")
    arguments = ["--collect-only", "-qq", "--scale", scale, "-o", "python_files=*.py", "-o", "addopts="]
    arguments += [
        "--import-mode=importlib",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:repro.cli.checks",
        "-W",
        "error::pytest.PytestUnknownMarkWarning",
    ]
    arguments += ["-k", keyword] if keyword else []
    arguments += ["--data", copy] if copy else []
    catcher = _Catcher()
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        code = pytest.main([*where, *arguments], plugins=[catcher])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise ClaimError(f"no check matches -k {keyword!r} in {', '.join(where)}; `repro plan` lists all.")
    if "Wrong expression passed to '-k'" in printed.getvalue():
        raise ClaimError(f"-k {keyword!r} is no id and no expression of words, and, or, not; `repro plan` lists all.")
    if code != pytest.ExitCode.OK:
        raise ClaimError(_reason(printed.getvalue()))
    return catcher.session


def _reason(printed: str) -> str:
    """The line that says what was wrong: pytest's "ERROR: …" or the last "E   …" of a traceback."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    raised = [re.sub(r"^E\s+(repro\.errors\.\w+: )?", "", line) for line in lines if line.startswith("E  ")]
    where = [line for line in lines if line.startswith("ERROR ") and "::" not in line]
    if raised:
        return f"{raised[-1]} ({where[0].split()[1]})" if where else raised[-1]
    return errors[0] if errors else "\n".join(lines[-3:])
