"""The code digest covers every file that decides what a run computes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro import provenance
from repro.provenance import PACKAGE, code_digest

# Imported by training, and decides nothing that a run computes.
FREE = {
    "errors.py", "provenance.py", "runs/__init__.py", "runs/file_lock.py", "runs/canonical.py", "runs/files.py",
    "runs/lease.py", "runs/record.py", "runs/run.py", "runs/store.py",
}  # fmt: skip


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package whose digest is asked for."""
    shutil.copytree(PACKAGE, tmp_path / "repro", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "repro")
    return tmp_path / "repro"


def digest():
    return code_digest.__wrapped__()


def test_every_module_that_training_imports_is_covered_or_named_here(copy):
    code = "import sys, repro.training; print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('repro.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=copy.parent, capture_output=True, text=True, check=True)
    for path in map(Path, done.stdout.split()):
        name, before = path.relative_to(copy).as_posix(), digest()
        path.write_text(path.read_text() + "\n")
        assert (digest() == before) == (name in FREE), name


def test_a_new_module_of_training_moves_the_digest(copy):
    before = digest()
    (copy / "training" / "models" / "novel.py").write_text("")
    assert digest() != before
