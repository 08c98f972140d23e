"""The two pytest plugins from outside: one collects, one judges."""

import re
from collections import Counter
from xml.etree import ElementTree

import pytest
import scipy.stats  # noqa: F401  pytester forgets what is first imported inside it, and numpy cannot be imported twice

import repro.cli.checks  # noqa: F401  likewise
from repro.recipes import cifar
from repro.runs.store import Store
from tests.made import replaced


@pytest.fixture
def claims(pytester, tiny_claim):
    """A folder with the claim ``tiny`` and no runs."""
    pytester.makepyfile(test_tiny=tiny_claim)
    return pytester


def run(pytester, *arguments):
    blocked = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # hypothesis takes two seconds to import
    return pytester.runpytest_inprocess("-p", "repro.cli.checks", *blocked, *arguments)


def test_a_check_is_one_test_for_every_point_of_its_grid(claims):
    result = run(claims, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*::test_tiny?depth=8?", "*::test_tiny?depth=14?"])


def test_missing_runs_skip_as_pending_with_the_command_that_makes_them(claims):
    result = run(claims, "-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*PENDING: 3 of 3 runs are missing*repro run tiny --scale smoke --results results*"])
    assert result.ret == 3


def test_judging_plugin_may_be_named_besides_its_entry_point(claims):
    run(claims, "-p", "repro.cli.checks").assert_outcomes(skipped=2)


def test_collecting_alone_takes_no_option_of_judging(claims):
    result = claims.runpytest_subprocess("-p", "no:repro.cli.checks", "--collect-only", "--run-missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("top1", "change", "outcome", "words"),
    [
        ((50.5, 50.0, 49.4), {}, {"skipped": 2}, "*SMOKE open*"),
        ((80.0, 80.1, 80.2), {"testable=": "untestable="}, {"skipped": 2}, "*MEASURED*Not tested at scale smoke*"),
        ((20.0, 20.1, 20.2), {"testable=": "untestable="}, {"skipped": 2}, "*MEASURED*Not tested at scale smoke*"),
    ],
    ids=["open", "measured", "measured below"],
)
def test_what_speaks_neither_for_nor_against_skips_with_its_reason(
    claims, finished, tiny_claim, top1, change, outcome, words
):
    for old, new in change.items():
        tiny_claim = tiny_claim.replace(old, new)
    claims.makepyfile(test_tiny=tiny_claim)
    for depth in (8, 14):
        for seed, value in enumerate(top1):
            finished(Store(claims.path / "results"), cifar("smoke", seed, depth=depth), top1=value)
    result = run(claims, "-rs")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines([words])
    assert result.ret == 0


def test_what_holds_passes_under_the_word_of_its_verdict(claims, fill):
    for depth in (8, 14):
        fill(claims.path / "results", depth, 80.0)
    result = run(claims, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_tiny?depth=8? SMOKE seen*", "*2 SMOKE seen*"])
    assert result.ret == 0


def test_what_does_not_hold_fails_with_its_reason_and_no_traceback(claims, fill):
    fill(claims.path / "results", 8, 80.0)
    fill(claims.path / "results", 14, 20.0)
    result = run(claims)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*= FAILURES =*", "SMOKE not seen*", "*bounds, 90 % over all looks*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret == 1


def test_a_changed_run_is_blocked_and_exits_with_two(claims, fill):
    (run_of_seed_0, *_) = fill(claims.path / "results", 8, 80.0)
    fill(claims.path / "results", 14, 80.0)
    (run_of_seed_0.folder / "measurements" / "accuracy.json").write_text("{}")
    result = run(claims)
    result.stdout.fnmatch_lines(["*BLOCKED*", "*was changed after the run*"])
    assert result.ret == 2


def test_a_check_that_crashes_fails_alone(claims, fill, tiny_claim):
    for depth in (8, 14):
        fill(claims.path / "results", depth, 80.0)
    end = "def test_tiny(evidence, depth):"
    crashing = replaced(replaced(tiny_claim, 'id="tiny"', 'id="crashing"'), end, f"{end}\n    1 / 0\n")
    claims.makepyfile(test_crashing=crashing)
    result = run(claims)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*check crashing?depth=8? * crashed with ZeroDivisionError*"])
    assert result.ret == 2


def test_an_ordinary_failing_test_beside_claims_is_a_failure_of_the_harness(claims, fill):
    for depth in (8, 14):
        fill(claims.path / "results", depth, 80.0)
    claims.makepyfile(test_other="def test_other():\n    assert False\n")
    assert run(claims).ret == 2


@pytest.mark.parametrize(("missing", "code"), [(False, 0), (True, 3)], ids=["complete", "pending"])
def test_verdicts_and_exit_code_cross_xdist(claims, fill, missing, code):
    for depth in (8,) if missing else (8, 14):
        fill(claims.path / "results", depth, 80.0)
    result = run(claims, "-n", "2")
    result.stdout.fnmatch_lines(["*SMOKE seen*"])
    assert result.ret == code


def test_junit_xml_says_claim_scale_source_p_and_interval_also_from_xdist(claims, fill):
    for depth in (8, 14):
        fill(claims.path / "results", depth, 80.0)
    run(claims, "-n", "2", "--junitxml=claims.xml")
    cases = {case.get("name"): case for case in ElementTree.parse("claims.xml").iter("testcase")}
    told = {one.get("name"): one.get("value") for one in cases["test_tiny[depth=8]"].iter("property")}
    assert (told["claim"], told["check"], told["scale"]) == ("tiny", "tiny[depth=8]", "smoke")
    assert (told["source"], told["reference"]) == ("nobody2021, Figure 9", "more than 50 %")
    assert (told["verdict"], told["answer"]) == ("SMOKE", "seen")
    assert 0 < float(told["p_for"]) < 0.05
    ends = re.search(r"^BatchNorm − 50: ([\d.]+) \[([\d.]+), ([\d.]+)\] points at 90 %$", told["interval"])
    estimate, low, high = map(float, ends.groups())
    assert 29 < low < estimate < high < 31
    assert len(told["criterion_sha256"]) == 64


def test_junit_xml_of_every_outcome_is_what_ci_servers_read(claims, fill, finished, tiny_claim):
    """The rules that the published schemas of JUnit's format share, beside testcase properties, which most lack."""
    claims.makepyfile(test_other=tiny_claim.replace('"tiny"', '"other"').replace("testable=", "untestable="),
                      test_third=tiny_claim.replace('"tiny"', '"third"').replace("gap=0.0", "gap=25.0"))  # fmt: skip
    fill(claims.path / "results", 8, 80.0)
    run(claims, "--junitxml=claims.xml")
    (suite,) = ElementTree.parse("claims.xml").getroot()
    cases = suite.findall("testcase")
    ends = Counter(child.tag for case in cases for child in case if child.tag != "properties")
    assert int(suite.get("tests")) == len(cases) == 6
    assert (int(suite.get("skipped")), int(suite.get("failures")), suite.get("errors")) == (
        ends["skipped"], ends["failure"], "0")  # fmt: skip
    assert ends["skipped"] == 4
    for case in cases:
        assert case.get("name")
        assert case.get("classname")
        assert float(case.get("time")) >= 0
        (first, *rest) = case
        assert first.tag == "properties"
        assert len(rest) <= 1
        assert all(one.tag == "property" and one.keys() == ["name", "value"] and one.get("value") for one in first)
        names = [one.get("name") for one in first]
        assert len(set(names)) == len(names)


def test_claims_are_selected_by_the_id_of_claim_or_check(claims, tiny_claim):
    claims.makepyfile(test_other=tiny_claim.replace('"tiny"', '"other-claim"'))
    run(claims, "-k", "other-claim").assert_outcomes(skipped=2, deselected=2)
    run(claims, "-k", "tiny and 14").assert_outcomes(skipped=2, deselected=2)


def test_the_id_of_a_check_selects_it_alone_although_it_is_no_expression(claims, tiny_claim):
    claims.makepyfile(test_other=tiny_claim.replace('"tiny"', '"tiny-too"'))
    run(claims, "-k", "tiny[depth=8]").assert_outcomes(skipped=1, deselected=3)
    run(claims, "-k", "tiny").assert_outcomes(skipped=2, deselected=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scale", "huge"), "*'huge'; allowed: smoke, pilot, paper*"),
        (("--data", "mnist"), "*'mnist'; allowed: cifar10*"),
    ],
)
def test_an_unknown_option_value_is_refused(claims, arguments, words):
    result = run(claims, *arguments)
    result.stderr.fnmatch_lines([words])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_two_claims_of_one_id_are_refused(claims, tiny_claim):
    claims.makepyfile(test_again=tiny_claim)
    result = run(claims)
    result.stderr.fnmatch_lines(["*claim id 'tiny' is used twice, in *"])


@pytest.mark.parametrize(("control", "outcome"), [(60.0, {"passed": 2}), (40.0, {"failed": 2})])
def test_a_claim_selected_alone_is_judged_with_its_control(pytester, controlled_claim, fill, control, outcome):
    pytester.makepyfile(test_tiny=controlled_claim)
    for depth, top1 in ((8, 80.0), (14, 80.0), (20, control)):
        fill(pytester.path / "results", depth, top1)
    run(pytester, "-k", "tiny and not control").assert_outcomes(**outcome, deselected=1)


def test_the_plugin_leaves_other_projects_tests_alone(pytester):
    pytester.makepyfile("def test_one(tmp_path):\n    assert tmp_path.exists()\n")
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*verdicts at scale*")
    assert result.ret == 0


def test_run_missing_trains_before_it_judges(pytester):
    """The smallest real thing: a network that is built and counted, in a worker process."""
    pytester.makepyfile(
        test_count="""
        from repro.claim import ONE_LOOK, Source, claim
        from repro.compare import Exact
        from repro.recipes import SCALES, built

        @claim(
            id="count", sentence="ResNet-14 has 175,258 parameters.",
            source=Source(work="test", place="here", tag="P", reference="175,258"), rule=Exact(reason="a count"),
            grid=dict.fromkeys(SCALES, ({},)), runs=lambda scale, seed: {"network": built(depth=14)}, depends_on=(),
            looks=ONE_LOOK, exact=True,
        )
        def test_count(evidence):
            evidence.find(label="total", measured=evidence.counts("network")["total"], reference=175_258)
        """
    )
    result = run(pytester, "--run-missing", "-v")
    result.stdout.fnmatch_lines(["*REPRODUCED*"])
    assert result.ret == 0


def test_missing_runs_are_trained_by_one_process_and_not_by_each_of_xdist(claims):
    result = run(claims, "-p", "xdist", "-n", "2", "--run-missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--run-missing trains on all cores*leave out -n*"])
