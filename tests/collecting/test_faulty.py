"""Faulty claim files and catalogues: each is refused in a line that names the fault."""

import re

import pytest

from repro.collecting.catalogue import catalogue
from repro.collecting.collect import collect
from repro.errors import ClaimError
from tests.made import replaced


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("depends_on=()", 'depends_on=("control-nowhere",)', "names 'control-nowhere', which no claim file defines"),
        ("depends_on=()", 'depends_on=(), same_as="nothing"', "names 'nothing', which no claim file defines"),
        ("depends_on=()", 'depends_on=("tiny",)', "names itself in same_as or depends_on"),
        ('({"depth": 8}, {"depth": 14})', '({"depth": 8}, {"depth": 8})', "has the point {'depth': 8} twice"),
        (
            '({"depth": 8}, {"depth": 14})',
            '({"depth": {8}},)',
            "must have the parameters depth, each a number or a text",
        ),
        ('({"depth": 8}, {"depth": 14})', '({"depth": 8}, {"width": 1})', "must have the parameters depth"),
        (
            "testable=dict.fromkeys(SCALES,",
            'testable=dict.fromkeys(("smoke",),',
            "each of smoke, pilot, paper in exactly",
        ),
        ("depends_on=()", 'depends_on=(), untestable={"paper": "r"}', "each of smoke, pilot, paper in exactly one"),
        ("depends_on=()", "depends_on=(), exact=True", "it must name none, as it is exact"),
        ('"the networks and data of its runs"', '""', "needs its rationale"),
        ("depends_on=()", "depends_on=(), looks=dict.fromkeys(SCALES, (5, 3))", "which do not rise"),
        ("cifar(scale, seed, depth=depth)", "cifar(scale, 0, depth=depth)", "a run of seed 0 as replicate 1"),
        (
            "cifar(scale, seed, depth=depth)",
            '__import__("dataclasses").replace(cifar(scale, seed, depth=depth), precision="bfloat16")',
            'trains in bfloat16; its depends_on must name "control-precision"',
        ),
    ],
)
def test_faulty_claim_is_refused_in_one_line(workplace, tiny_claim, old, new, words):
    (workplace / "tiny.py").write_text(replaced(tiny_claim, old, new))
    with pytest.raises(ClaimError, match=re.escape(words)) as refused:
        collect(scale="smoke", paths=["tiny.py"])
    assert "\n" not in str(refused.value)


def test_claim_file_without_the_marker_is_refused(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    (workplace / "bare.py").write_text("def test_bare(evidence):\n    pass\n")
    with pytest.raises(ClaimError, match=r"test_bare in bare\.py is not a check; mark it with @claim"):
        collect(scale="smoke", paths=["."])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""Nothing."""\n', r"bare\.py holds no check"),
        ("import pytest\npytest.skip('x', allow_module_level=True)\n", r"bare\.py skips itself"),
    ],
    ids=["empty", "skips"],
)
def test_claim_file_without_a_check_is_refused(workplace, tiny_claim, text, found):
    (workplace / "tiny.py").write_text(tiny_claim)
    (workplace / "bare.py").write_text(text)
    with pytest.raises(ClaimError, match=found):
        collect(scale="smoke", paths=["."])


def test_claim_that_repeats_another_with_another_rule_is_refused(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    again = replaced(tiny_claim, 'id="tiny"', 'id="again", same_as="tiny"')
    (workplace / "again.py").write_text(again)
    assert len(collect(scale="smoke", paths=["."]).selected) == 4
    (workplace / "again.py").unlink()
    (workplace / "once_more.py").write_text(replaced(again, "gap=0.0", "gap=1.0"))
    with pytest.raises(ClaimError, match="its rule or its runs differ"):
        collect(scale="smoke", paths=["."])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a catalogue"),
        ("[[row]]\nid = 3\n", "id, work missing, unknown or of another type"),
        ('[[row]]\nid = "a"\nwork = "w"\nsize = 3\n', "size missing, unknown or of another type"),
        ('[[row]]\nid = "a"\nwork = "w"\n[[row]]\nid = "a"\nwork = "w"\n', "has the row a twice"),
    ],
)
def test_faulty_catalogue_is_refused(workplace, text, words):
    (workplace / "catalogue.toml").write_text(text)
    with pytest.raises(ClaimError, match=words):
        catalogue(workplace / "catalogue.toml")
