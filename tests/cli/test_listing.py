"""`repro list` names every claim with its sentence, its source and, where there is one, its verdict."""

import json

import pytest

from repro.cli.main import main
from repro.cli.output import coloured


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def listed(capsys, *arguments):
    assert main(["list", *arguments]) == 0
    return capsys.readouterr().out


def test_a_claim_is_listed_with_its_sentence_and_its_source(capsys):
    text = " ".join(listed(capsys, "-k", "deeper").split())
    assert (
        "frankle2021 deeper-is-better -: BatchNorm-only accuracy rises with depth. (Figure 2, left: monotone)" in text
    )
    assert "1 claim, 0 with a verdict at scale smoke" in text


def test_the_verdict_is_that_of_verdicts_json_at_the_same_scale(capsys):
    assert main(["judge", "-k", "bn-algorithm or deeper", "--results", "."]) == 3
    capsys.readouterr()
    assert "deeper-is-better  PENDING: " in listed(capsys, "-k", "bn-algorithm or deeper")
    assert "deeper-is-better  -: " in listed(capsys, "-k", "deeper", "--scale", "pilot")


def test_claims_without_a_point_at_a_scale_are_named(capsys):
    assert "extra-parts-vanish" in listed(capsys).splitlines()[-1]
    assert "extra-parts-vanish" in json.loads(listed(capsys, "--json"))["not_at_this_scale"]


def test_json_and_nothing_else(capsys):
    made = json.loads(listed(capsys, "--json", "--scale", "paper"))
    (entry,) = [one for one in made["claims"] if one["claim"] == "bn-only-cifar"]
    assert entry["reference"] == "82 %" and entry["primary"] and entry["verdict"] is None


def test_verdicts_have_colours_on_a_terminal_that_wants_them(monkeypatch):
    class Terminal:
        @staticmethod
        def isatty():
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured("SMOKE seen", "SMOKE seen") == "SMOKE seen"  # into a file or pipe
    monkeypatch.setattr("sys.stdout", Terminal)
    assert coloured("x", "SMOKE seen") == coloured("x", "REPRODUCED") == "\033[34mx\033[0m"
    assert coloured("x", "SMOKE not seen") == coloured("x", "PARTIAL") == "\033[31mx\033[0m"
    assert coloured("x", "PENDING") == "\033[2mx\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("x", "PARTIAL") == "x"


def test_judge_and_report_say_what_comes_next(capsys, tmp_path):
    assert main(["judge", "-k", "bn-algorithm", "--results", "."]) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "Next: repro report"
    assert main(["report"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Open: {(tmp_path / 'report' / 'report.html').as_uri()}"
