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
    for folder in (EVIDENCE, EVIDENCE / "greydanus2024", EVIDENCE / "hastie2009"):
        assert main(["import", str(folder), "--results", str(place)]) == 0
    return place


def test_the_archives_are_small_enough_for_a_clone():
    assert sum(path.stat().st_size for path in EVIDENCE.rglob("*.tar.xz")) < MOST


FIRST = ["claims/frankle2021", "claims/thebatch2020", "--data", "cifar10-jpeg"]
REPORTS = {
    "pilot": [*FIRST, "--scale", "pilot"],
    "paper": [*FIRST, "--scale", "paper"],
    "greydanus2024/paper": ["claims/greydanus2024", "--scale", "paper"],
    "hastie2009/paper": ["claims/hastie2009", "--scale", "paper"],
}


@pytest.mark.parametrize("report", REPORTS)
def test_the_verdicts_and_the_page_in_the_repository_are_those_of_the_runs(store, report, capsys, monkeypatch):
    monkeypatch.chdir(EVIDENCE.parents[1])
    words = ["judge", "--verify", *REPORTS[report], "--results", str(store)]
    code = main([*words, "--report", str(EVIDENCE / report)])
    assert code != 2, capsys.readouterr().out + "\nMake them again with: make evidence readme"


@pytest.mark.parametrize("report", ["pilot", "greydanus2024/paper", "hastie2009/paper"])
def test_no_verdict_mixes_training_code(report):
    made = verdicts_json.load(EVIDENCE / report / "verdicts.json")
    mixed = [row["check"] for row in made["judgements"] if any("training code" in one for one in row["deviations"])]
    assert mixed == []
    assert not any(entry["commit"].endswith("+changes") for entry in made["environment"])


def test_the_table_of_the_readme_is_that_of_the_evidence():
    text = (EVIDENCE.parents[1] / "README.md").read_text("utf-8")
    for part in ("evidence", "paper", "second", "third"):
        path, write = readme.PARTS[part]
        assert readme.fill(text, part, write(verdicts_json.load(path))) == text, part
