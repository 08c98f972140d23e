"""What a command refuses: one line with what was found and what is allowed, code 2, and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli.main import main
from tests.cli.told import refused

FAULTY = Path(__file__).parents[1] / "faulty_claims"


@pytest.mark.parametrize(
    ("arguments", "found", "allowed"),
    [
        (["plan", "--scale", "huge"], "'huge'", "smoke, pilot, paper"),
        (["plan", "-k", "nonsense"], "'nonsense'", "repro list"),
        (["plan", "nowhere.py"], "nowhere.py does not exist", "claim files or folders"),
        (["plan", "--data", "mnist"], "'mnist'", "cifar10-jpeg"),
        (["explain", "deeper-is-beter"], "'deeper-is-beter'", "deeper-is-better"),
        (
            ["data", "check", "mnist"],
            "'mnist'",
            "allowed: cifar10, cifar10-jpeg, digits, imagenet, imagenet-drawn, mnist1d",
        ),
        (["data", "check", "cifar10", "--data-dir", "nowhere"], "nowhere holds no CIFAR-10", "--data-dir"),
        (
            ["data", "check", "imagenet", "--data-dir", "nowhere"],
            "nowhere/imagenet does not hold imagenet",
            "--data-dir",
        ),
        (["report"], "verdicts.json is missing", "repro judge"),
        (["plan", "-k", "deeper-is-beter"], "'deeper-is-beter'", "did you mean deeper-is-better?"),
        (["judge", "--results", "reslts"], "reslts is not a store of runs", "--results"),
        (["judge", "--verify", "--results", "reslts"], "reslts is not a store of runs", "--results"),
        (["status", "--results", "reslts"], "reslts is not a store of runs", "--results"),
        (["run", "--scale", "pilot", "-k", "bn-only-cifar"], "holds no CIFAR-10", "--data-dir"),
        (["run", "-k", "bn-algorithm", "--device", "cuda:7"], "cuda:7", "; name "),
        (
            ["export", "--to", "x.tar.xz", "-k", "bn-algorithm", "--results", "."],
            "no complete or paused run",
            "repro status",
        ),
        (["import", "nowhere.tar.xz"], "nowhere.tar.xz does not exist", "repro export"),
    ],
)
def test_a_refused_command_says_what_was_found_and_what_is_allowed(workplace, arguments, found, allowed, capsys):
    line = refused(capsys, *arguments)
    assert found in line
    assert allowed in line
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["bad_depth.py"], "6n + 2"),
        (["duplicate_id.py", "duplicate_id_again.py"], "is used twice, in"),
        (["unknown_field.py"], "has unknown "),
        (["unknown_run_field.py"], "its runs() crashed (TypeError"),
        (["empty_reference.py"], "reference is empty exactly when"),
        (["missing_scale.py"], "scales"),
        (["bad_id.py"], "lower-case words"),
        (["empty_grid.py"], "claim empty-grid has no point at scale smoke"),
        (["async_check.py"], "is an async function"),
        (["no_character.py"], "which is not a character; write another"),
    ],
    ids=lambda value: value[0].removesuffix(".py") if isinstance(value, list) else "",
)
def test_a_faulty_claim_file_is_refused_when_it_is_collected(workplace, files, found, capsys):
    assert found in refused(capsys, "plan", *(str(FAULTY / name) for name in files))


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("no_finding.py", "recorded no finding; call evidence.find"),
        ("undeclared_run.py", "does not declare; declared:"),
        ("unread_run.py", "does not read them; read them, or"),
        ("crashing_check.py", "crashed with ZeroDivisionError"),
    ],
)
def test_a_faulty_check_is_refused_when_it_is_judged(workplace, fill, file, found, capsys):
    fill(workplace / "results", 8, 80.0)
    assert found in refused(capsys, "judge", str(FAULTY / file))
    assert not (workplace / "report").exists()


def test_a_syntax_error_in_a_claim_file_names_the_file(workplace, capsys):
    (workplace / "broken.py").write_text("def test_nothing(:\n")
    assert "broken.py" in refused(capsys, "plan", "broken.py")


def test_a_results_folder_that_is_a_file_is_refused(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    (workplace / "results").write_text("")
    line = refused(capsys, "run", "tiny.py", "--workers", "1")
    assert "results" in line
    assert "--results" in line


@pytest.mark.parametrize(("package", "words"), [("torch", ["data", "check"]), ("safetensors", ["run"])])
def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it(workplace, package, words):
    code = f"import sys; sys.modules[{package!r}] = None; from repro.cli.main import main; sys.exit(main({words}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"the package {package} is not installed" in done.stderr and "make verify" in done.stderr
    assert list(workplace.iterdir()) == []


def test_an_error_of_the_suite_itself_exits_with_two_and_no_verdict():
    code = "import sys, repro.cli.main as m; m.main = lambda: 1 / 0; from repro.cli import entry; sys.exit(entry())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, "ZeroDivisionError" in done.stderr) == (2, True)
    assert done.stderr.splitlines()[-1].startswith("repro: an error in the suite, not a verdict")


@pytest.mark.parametrize(
    "words",
    [["bench"], ["judge", "--remeasure"], ["judge", "--retrain", "resnet"]],
)
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_measured(judged, words, capsys, monkeypatch):
    monkeypatch.setattr("repro.executing.devices.detect_device", lambda: "cpu")
    assert "no NVIDIA driver is loaded here" in refused(capsys, *words, "--device", "cuda")


def test_a_comparison_of_reports_writes_nothing_else(judged, capsys):
    assert "--against compares two reports and writes no --csv" in refused(
        capsys, "report", "--against", "report", "--csv"
    )


def test_preregister_takes_ids_or_words_as_other_commands_do(workplace, capsys):
    assert "name ids, or use -k, not both" in refused(capsys, "preregister", "bn-only-cifar", "-k", "table1")
    assert list(workplace.iterdir()) == []


def test_words_of_a_claim_without_a_point_at_some_scale_find_it_at_others(workplace, capsys):
    assert main(["preregister", "-k", "bn-init-matters-little", "--to", "rules.json"]) == 0
    assert "bn-init-matters-little has no point at this scale" in refused(
        capsys, "plan", "-k", "bn-init-matters-little", "--scale", "pilot"
    )
