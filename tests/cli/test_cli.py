"""The command line from outside: what it prints, what it refuses, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repro import __version__
from repro.cli.main import main
from repro.judging import verdicts_json
from repro.recipes import cifar
from repro.runs.store import Store

COMMANDS = ["plan", "run", "status", "judge", "report", "verify", "data", "export", "import", "doctor", "explain"]
FAULTY = Path(__file__).parents[1] / "faulty_claims"


@pytest.fixture
def judged(workplace, tiny_claim, fill):
    """A folder with a claim that holds at both of its points, judged."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 85.0)
    assert main(["judge", "tiny.py"]) == 0
    return workplace


def refused(capsys, *arguments):
    """The one line that a refused command prints."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("repro: ")
    return line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "usage: repro" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--scale", "paper"], ["judge"], ["status"]])
def test_planning_and_judging_import_no_torch(arguments, tmp_path):
    code = (
        "import sys\nfrom repro.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_planning_and_training_import_neither_msgspec_nor_torchvision(tmp_path):
    code = (
        "import sys\nimport repro.training\nfrom repro.cli.main import main\n"
        "for arguments in (['--help'], ['plan', '--scale', 'paper']):\n"
        "    try:\n        main(arguments)\n    except SystemExit:\n        pass\n"
        "    assert not {'msgspec', 'torchvision'} & sys.modules.keys(), arguments\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_plan_names_each_run_once_with_its_reason_and_its_checks(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["plan", "tiny.py", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["runs"]) == 6
    assert found["missing"] == 3
    assert {run["condition"] for run in found["runs"]} == {"complete", "missing"}
    assert all(run["why"] and run["checks"] and run["seconds"] > 0 for run in found["runs"])
    assert {run["basis"] for run in found["runs"]} == {"measured", "scaled"}


@pytest.mark.parametrize(
    ("accuracy", "code"), [((80.0, 85.0), 0), ((80.0, 20.0), 1), ((80.0, None), 3)], ids=["holds", "fails", "pending"]
)
def test_exit_code_of_judge_says_how_the_claims_came_out(workplace, tiny_claim, fill, accuracy, code):
    (workplace / "tiny.py").write_text(tiny_claim)
    for depth, top1 in zip((8, 14), accuracy, strict=True):
        if top1 is not None:
            fill(workplace / "results", depth, top1)
    assert main(["judge", "tiny.py"]) == code


def test_a_failed_run_blocks_its_claim_and_exits_with_two(workplace, tiny_claim, fill):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 80.0)
    store, spec = Store(workplace / "results"), cifar("smoke", 0, depth=14)
    (store.folder(spec) / "run.json").unlink()
    store.fail(spec, "RuntimeError: out of luck", "")
    assert main(["judge", "tiny.py"]) == 2
    assert main(["status", "tiny.py"]) == 2


def test_verify_finds_nothing_when_nothing_was_changed(judged, capsys):
    assert main(["judge", "tiny.py", "--verify"]) == 0
    assert "all 2 verdicts are as computed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["history.jsonl", "measurements/accuracy.json", "tensors.safetensors", "run.json"])
def test_verify_names_the_row_of_a_changed_run(judged, name, capsys):
    file = Store(judged / "results").folder(cifar("smoke", 1, depth=14)) / name
    content = file.read_bytes()
    file.write_bytes(content.replace(b"2.0", b"2.5", 1) if name == "run.json" else content[:-2] + b"7\n")
    assert main(["judge", "tiny.py", "--verify"]) == 2
    assert "judgements tiny[depth=14]" in capsys.readouterr().err


def test_an_edited_record_blocks_the_check_that_reads_it_by_name(judged, capsys):
    file = Store(judged / "results").folder(cifar("smoke", 1, depth=14)) / "run.json"
    file.write_text(file.read_text().replace('"device":', '"gadget":'))
    capsys.readouterr()
    assert main(["judge", "tiny.py", "--json"]) == 2
    found = {row["check"]: row for row in json.loads(capsys.readouterr().out)["judgements"]}
    assert found["tiny[depth=14]"]["verdict"] == "BLOCKED"
    assert f"{file.parent.name}/run.json is no run record" in found["tiny[depth=14]"]["why"]
    assert found["tiny[depth=8]"]["verdict"] == "SMOKE"


def test_verify_names_the_row_of_a_changed_verdict(judged, capsys):
    path = judged / "report" / "verdicts.json"
    made = verdicts_json.load(path)
    made["judgements"][0]["findings"][0]["estimate"] += 0.01
    verdicts_json.save(made, path)
    assert main(["judge", "tiny.py", "--verify"]) == 2
    printed = capsys.readouterr().err
    assert "judgements tiny[depth=8]: findings" in printed
    assert "depth=14" not in printed


def test_verify_names_the_rows_of_a_changed_rule(judged, tiny_claim):
    (judged / "tiny.py").write_text(tiny_claim.replace("gap=0.0", "gap=1.0"))
    command = [sys.executable, "-m", "repro.cli", "judge", "tiny.py", "--verify"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tiny[depth=8]: criterion" in done.stderr
    assert "tiny[depth=14]: criterion" in done.stderr


def test_verify_finds_another_order_of_the_same_values(judged, capsys):
    path = judged / "report" / "verdicts.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert main(["judge", "tiny.py", "--verify"]) == 2
    assert "it was edited" in capsys.readouterr().err


def test_judging_twice_writes_the_same_bytes(judged):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert main(["judge", "tiny.py"]) == 0
    assert (judged / "report" / "verdicts.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "found", "allowed"),
    [
        (["plan", "--scale", "huge"], "'huge'", "smoke, pilot, paper"),
        (["plan", "-k", "nonsense"], "'nonsense'", "repro plan"),
        (["plan", "nowhere.py"], "nowhere.py does not exist", "claim files or folders"),
        (["plan", "--data", "mnist"], "'mnist'", "cifar10-jpeg"),
        (["explain", "deeper-is-beter"], "'deeper-is-beter'", "deeper-is-better"),
        (["data", "mnist"], "'mnist'", "allowed: cifar10, cifar10-jpeg, digits."),
        (["data", "cifar10", "--data-dir", "nowhere"], "nowhere holds no CIFAR-10", "--data-dir"),
        (["report"], "verdicts.json is missing", "repro judge"),
        (["plan", "-k", "deeper-is-beter"], "'deeper-is-beter'", "did you mean deeper-is-better?"),
        (["judge", "--results", "reslts"], "reslts is no store of runs", "--results"),
        (["judge", "--verify", "--results", "reslts"], "reslts is no store of runs", "--results"),
        (["status", "--results", "reslts"], "reslts is no store of runs", "--results"),
        (["run", "--scale", "pilot", "-k", "bn-only-cifar"], "holds no CIFAR-10", "--data-dir"),
        (["export", "--to", "x.tar.xz", "-k", "bn-algorithm"], "no complete or paused run", "repro status"),
        (["import", "nowhere.tar.xz"], "nowhere.tar.xz does not exist", "repro export"),
    ],
)
def test_a_refused_command_says_what_was_found_and_what_is_allowed(workplace, arguments, found, allowed, capsys):
    line = refused(capsys, *arguments)
    assert found in line
    assert allowed in line
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("run --budget soon", "'soon' is no duration; write 90s"),
        ("run --workers 0", "'0' is no number of worker processes; write 1 or more"),
        ("run --device tpu", "'tpu' is no device; write auto"),
        ("run --scale", "--scale: expected one argument; see: repro run --help"),
        ("run --quickly", "unrecognized arguments: --quickly; see: repro run --help"),
        ("trian", "invalid choice: 'trian'"),
        ("plan --reslts x", "--reslts (did you mean --results?); see: repro plan --help"),
        ("judg", "'judg' (did you mean judge?); see: repro --help"),
        ("cluster int", "'int' (did you mean init?)"),
        ("cluster throughput box --mos 2", "--mos 2 (did you mean --most?)"),
        ("run --results=", "the path is empty; name a file or folder"),
        ("export --to nowhere/", "there is no folder nowhere/; make it, or name a file"),
        ("run --pause-above 0", "'0' is no percentage; write a number above 0"),
        ("submit --cluster x --if-refused maybe", "'maybe'; allowed: cancel, keep; see"),
        ("submit --cluster x --max-gpu-hours nan", "'nan' is no number of hours; write 0 or more"),
        ("submit --cluster ../x", "'../x' is no name of a profile; write letters"),
        ("cluster init ../x", "'../x' is no name of a profile; write letters"),
        ("cluster wht", "'wht'; allowed: init, throughput"),
        ("run --device cuda:0,cpu", "or several such as cuda:0,cuda:1"),
    ],
)
def test_a_malformed_command_is_refused_in_one_line_with_code_two(workplace, command, found, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("repro: ")
    assert found in line


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["bad_depth.py"], "6n + 2"),
        (["duplicate_id.py", "duplicate_id_again.py"], "is used twice, in"),
        (["unknown_field.py"], "unexpected keyword argument"),
        (["unknown_run_field.py"], "its runs() crashed (TypeError"),
        (["empty_reference.py"], "reference is empty exactly when"),
        (["missing_scale.py"], "scales"),
        (["bad_id.py"], "lower-case words"),
        (["empty_grid.py"], "claim empty-grid has no point at scale smoke"),
        (["async_check.py"], "is an async function"),
        (["no_character.py"], "which is no character; write another"),
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


def test_a_spec_file_edited_by_hand_is_named_by_the_plan(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    (run, *_) = fill(workplace / "results", 8, 80.0)
    (run.folder / "spec.json").write_text(cifar("smoke", 0, depth=20).to_json())
    assert main(["plan", "tiny.py"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert run.spec.name in printed
    assert "spec.json" in printed
    assert "edited" in printed


def test_a_results_folder_that_is_a_file_is_refused(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    (workplace / "results").write_text("")
    line = refused(capsys, "run", "tiny.py", "--workers", "1")
    assert "results" in line
    assert "--results" in line


def test_an_import_counts_what_came_before_a_damaged_file(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    (workplace / "kept").mkdir()
    assert main(["export", "tiny.py", "--to", "kept"]) == 0
    last = sorted((workplace / "kept").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-50])
    capsys.readouterr()
    assert main(["import", "kept", "--results", "there"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "kept: 2 new\n"
    assert f"{last.name} is damaged" in printed.err
    assert "Nothing of it was imported." in printed.err


def test_explain_says_what_is_claimed_trained_and_required(workplace, capsys):
    assert main(["explain", "deeper-is-better"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "Claimed: BatchNorm-only accuracy rises",
        "resnet-20 batchnorm",
        "Jonckheere",
        "Rule frozen as",
        "PENDING",
    ):
        assert words in printed


def test_doctor_looks_at_everything_that_a_run_needs(workplace, capsys):
    assert main(["doctor", "--json"]) == 0
    found = {entry["what"]: entry["state"] for entry in json.loads(capsys.readouterr().out)}
    assert found.keys() == {"python", "torch", "results", "digits", "cifar10", "pdf"}
    assert found["digits"] == "ok"
    assert found["cifar10"] == "warn"


def test_a_mistyped_store_overwrites_no_verdicts(judged, capsys):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert "no store" in refused(capsys, "judge", "tiny.py", "--results", "reslts")
    assert (judged / "report" / "verdicts.json").read_bytes() == before


def test_a_selection_does_not_replace_the_verdicts_of_more(judged, capsys):
    before = (judged / "report" / "verdicts.json").read_bytes()
    assert "--report" in refused(capsys, "judge", "tiny.py", "-k", "tiny[depth=8]")
    assert (judged / "report" / "verdicts.json").read_bytes() == before


@pytest.mark.parametrize("command", ["plan", "judge"])
def test_a_blank_selection_is_refused_instead_of_selecting_everything(workplace, command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "-k", " "])
    assert stopped.value.code == 2
    assert "-k is blank" in capsys.readouterr().err


def test_without_a_command_and_on_request_the_subcommands_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert "3 something is still missing or pending" in listed
    with pytest.raises(SystemExit) as stopped:
        main(["help"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, listed)


def test_help_of_a_subcommand_is_available_by_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["help", "run"])
    assert stopped.value.code == 0
    assert "usage: repro run" in capsys.readouterr().out


def test_the_version_has_the_commit(capsys, monkeypatch):
    monkeypatch.setattr("repro.provenance.commit", lambda: "c0ffee")
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"repro {__version__} (commit c0ffee)\n"


def test_plan_sums_up_by_claim_and_says_what_comes_next(workplace, tiny_claim, fill, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    assert main(["plan", "tiny.py"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split()[:7] == ["tiny", "3", "of", "6", "runs", "missing,", first.split()[6]]
    assert last == "Next: repro run tiny.py"
    assert main(["plan", "tiny.py", "--all"]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if "resnet-" in line]) == 6


def test_a_plan_on_a_terminal_fits_it(workplace, tiny_claim, capsys, monkeypatch):
    (workplace / "tiny.py").write_text(tiny_claim)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["plan", "tiny.py", "--all"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines()[:-2])) <= 60


def test_what_comes_next_selects_the_same_checks_and_store(judged, capsys):
    capsys.readouterr()
    assert main(["status", "tiny.py", "--scale", "paper", "-k", "tiny or x"]) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "Next: repro run tiny.py -k 'tiny or x' --scale paper"


def test_the_rules_of_every_scale_are_registered_once(workplace, tiny_claim, capsys):
    (workplace / "tiny.py").write_text(tiny_claim)
    assert main(["preregister", "tiny.py", "--to", "rules.json"]) == 0
    assert "rules.json: 6 rules, SHA-256 " in capsys.readouterr().out
    assert "is never overwritten" in refused(capsys, "preregister", "tiny.py", "--to", "rules.json")


@pytest.mark.parametrize(("differences", "code"), [([], 0), (["seed 0: accuracy is another"], 2)])
def test_measuring_again_names_each_difference(judged, capsys, monkeypatch, differences, code):
    measured = []
    monkeypatch.setattr("repro.training.remeasure", lambda run, **where: measured.append(run) or differences)
    assert main(["judge", "tiny.py", "--remeasure"]) == code
    assert len(measured) == 6
    printed = capsys.readouterr()
    assert f"6 runs measured again, {6 * len(differences)} differences" in printed.out
    assert all(line in printed.err for line in differences)


def test_status_counts_runs_by_condition(judged, capsys):
    capsys.readouterr()
    assert main(["status", "tiny.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == {"complete": 6}


def test_help_on_help_is_the_list(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["help", "help"])
    assert "verify" in capsys.readouterr().out
