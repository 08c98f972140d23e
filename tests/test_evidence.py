"""The evidence in the repository is whole, and the reports beside it are what it gives."""

from pathlib import Path

import pytest

from repro.cli.main import main
from repro.judging import verdicts_json
from tests import readme

EVIDENCE = Path(__file__).parents[1] / "claims" / "evidence"
MOST = 20e6  # bytes that all archives may take in a clone


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Everything that the evidence holds."""
    place = tmp_path_factory.mktemp("evidence") / "store"
    assert main(["import", str(EVIDENCE), "--results", str(place)]) == 0
    return place


def test_the_archives_are_small_enough_for_a_clone():
    assert sum(path.stat().st_size for path in EVIDENCE.rglob("*.tar.xz")) < MOST


@pytest.mark.parametrize("scale", ["pilot", "paper"])
def test_the_verdicts_and_the_page_in_the_repository_are_those_of_the_runs(store, scale, capsys):
    words = ["judge", "--verify", "--scale", scale, "--data", "cifar10-jpeg", "--results", str(store)]
    code = main([*words, "--report", str(EVIDENCE / scale)])
    assert code in (0, 3), capsys.readouterr().out + "\nMake them again with: make evidence readme"


def test_no_run_mixes_training_code(store):
    made = verdicts_json.load(EVIDENCE / "pilot" / "verdicts.json")
    assert len({entry["code"] for entry in made["environment"]}) == 1
    assert not any(entry["commit"].endswith("+changes") for entry in made["environment"])


def test_the_table_of_the_readme_is_that_of_the_evidence():
    text = (EVIDENCE.parents[1] / "README.md").read_text("utf-8")
    path, write = readme.PARTS["evidence"]
    assert readme.fill(text, "evidence", write(verdicts_json.load(path))) == text
