"""What makes collecting and planning quick: what is not imported, not looked at, and not made before it is wanted."""

import gc
import subprocess
import sys
from importlib.metadata import version

import pytest

from repro.cli import entry, shared
from repro.collecting.collect import collect
from repro.errors import ClaimError, SpecError
from repro.planning.lazy_scipy import postpone
from repro.recipes import cifar


@pytest.fixture
def tiny(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    return workplace / "tiny.py"


def test_planning_the_paper_imports_neither_torch_nor_what_else_would_make_it_slow(workplace):
    """scipy.stats alone takes longer than the whole plan; all of scipy.special, ten times as long as its functions."""
    scipy = ["scipy.stats", "scipy.special._basic"]
    if version("scipy") < "1.18":  # from then on they come with the compiled functions
        scipy += ["scipy._lib._docscrape", "numpy.ma.core"]
    slow = ("torch", *scipy, "_pytest.junitxml", "_pytest.unittest", "repro.judging.judge", "statistics")
    code = (
        "import sys; from repro.cli.main import main; main(['plan', '--scale', 'paper']); "
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_was_postponed_of_scipy_is_there_when_it_is_used(workplace):
    code = (
        "from repro.planning.lazy_scipy import postpone; postpone(); from scipy.special import stdtr; import sys; "
        "early = 'scipy.special._basic' in sys.modules; from scipy.stats import ttest_1samp; import scipy.special; "
        "print(early, scipy.special.comb(5, 2), scipy.special.stdtr is stdtr, ttest_1samp([1, 2, 3], 2).pvalue)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "10.0", "True", "1.0"]


def test_a_scipy_that_keeps_its_functions_elsewhere_is_imported_whole(monkeypatch):
    whole = sys.modules.pop("scipy.special", None)

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("repro.planning.lazy_scipy.importlib.import_module", missing)
    try:
        postpone()
        assert "scipy.special" not in sys.modules
    finally:
        if whole is not None:
            sys.modules["scipy.special"] = whole


def test_what_lies_beside_claim_files_is_passed_over_and_a_folder_with_a_dot_is_not(tiny, monkeypatch):
    (tiny.parent / "v1.2").mkdir()
    (tiny.parent / "v1.2" / "tiny2.py").write_text(tiny.read_text().replace('id="tiny"', 'id="other"'))
    (tiny.parent / "run.tar.xz").write_bytes(b"")
    looked = []
    monkeypatch.setattr("_pytest.main._in_venv", lambda path: looked.append(path.name))
    assert len(collect(scale="smoke", paths=["."]).selected) == 4
    assert "v1.2" in looked and "run.tar.xz" not in looked


def test_runs_of_a_later_look_are_made_when_they_are_asked_for(tiny):
    """A plan of first looks makes three seeds, not eight; what then crashes is told as at collection."""
    tiny.write_text(tiny.read_text().replace("cifar(scale, seed,", "cifar(scale, [0, 1, 2][seed],"))
    check = collect(scale="paper", paths=["tiny.py"]).selected[0]
    with pytest.raises(ClaimError, match=r"its runs\(\) crashed \(IndexError"):
        check.runs(5)


def test_run_that_several_claims_ask_for_is_made_once():
    """It is validated and hashed as often as it is made."""
    assert cifar("paper", 0, depth=14) is cifar("paper", 0, depth=14)
    with pytest.raises(SpecError, match="depth is 14.0"):  # which equals 14
        cifar("paper", 0, depth=14.0)


def test_collecting_leaves_the_search_for_garbage_as_it_was(tiny):
    gc.disable()
    collect(scale="smoke", paths=["tiny.py"])
    assert not gc.isenabled()
    gc.enable()
    collect(scale="smoke", paths=["tiny.py"])
    assert gc.isenabled()


def test_nobody_searches_for_garbage_while_a_plan_is_made_or_when_its_process_ends(tiny, monkeypatch, capsys):
    enabled, found = [], shared.collect
    monkeypatch.setattr(shared, "collect", lambda arguments: enabled.append(gc.isenabled()) or found(arguments))
    monkeypatch.setattr("sys.argv", ["repro", "plan", "tiny.py"])
    try:
        assert entry() == 0
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    assert (enabled, gc.isenabled()) == ([False], True)
