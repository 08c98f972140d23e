"""What comes with the claims of a folder: their controls, their scales, the catalogue beside them."""

import pytest

from repro.collecting.collect import collect
from repro.collecting.new import write_work
from repro.errors import ClaimError
from tests.made import replaced


def test_a_folder_brings_the_controls_that_its_claims_depend_on(workplace, tiny_claim):
    for folder in ("paper", "controls"):
        (workplace / folder).mkdir()
    (workplace / "controls" / "one.py").write_text(replaced(tiny_claim, 'id="tiny"', 'id="control-one"'))
    (workplace / "paper" / "tiny.py").write_text(replaced(tiny_claim, "depends_on=()", 'depends_on=("control-one",)'))
    (workplace / "controls" / "two.py").write_text(replaced(tiny_claim, 'id="tiny"', 'id="control-two"'))
    selected = collect(scale="smoke", paths=["paper"]).selected
    assert [check.claim.id for check in selected] == ["tiny", "tiny", "control-one", "control-one"]


def test_a_keyword_selects_single_checks_and_their_controls_are_known(workplace, tiny_claim):
    for folder in ("paper", "controls"):
        (workplace / folder).mkdir()
    (workplace / "controls" / "one.py").write_text(replaced(tiny_claim, 'id="tiny"', 'id="control-one"'))
    (workplace / "paper" / "tiny.py").write_text(replaced(tiny_claim, "depends_on=()", 'depends_on=("control-one",)'))
    found = collect(scale="smoke", paths=["paper"], keyword="tiny[depth=8]")
    assert [check.id for check in found.selected] == ["tiny[depth=8]"]
    assert {check.claim.id for check in found.checks.values()} == {"tiny", "control-one"}


def test_a_control_of_each_network_comes_for_those_that_are_trained(workplace, tiny_claim):
    for folder in ("paper", "controls"):
        (workplace / folder).mkdir()
    control = replaced(tiny_claim, 'id="tiny"', 'id="control-one", per_network=True')
    (workplace / "controls" / "one.py").write_text(control)
    one_point = replaced(tiny_claim, '({"depth": 8}, {"depth": 14})', '({"depth": 8},)')
    (workplace / "paper" / "tiny.py").write_text(replaced(one_point, "depends_on=()", 'depends_on=("control-one",)'))
    found = [check.id for check in collect(scale="smoke", paths=["paper"]).selected]
    assert found == ["tiny[depth=8]", "control-one[depth=8]"]


def test_scale_without_a_point_has_no_check(workplace, tiny_claim):
    text = replaced(tiny_claim, "grid=dict.fromkeys(SCALES, (", 'grid={"smoke": ()} | dict.fromkeys(SCALES[1:], (')
    text = replaced(
        text, "testable=dict.fromkeys(SCALES,", 'untestable={"smoke": "r"}, testable=dict.fromkeys(SCALES[1:],'
    )
    (workplace / "none.py").write_text(replaced(text, 'id="tiny"', 'id="none"'))
    (workplace / "tiny.py").write_text(tiny_claim)
    assert {check.claim.id for check in collect(scale="smoke", paths=["."]).selected} == {"tiny"}
    assert {check.claim.id for check in collect(scale="pilot", paths=["."]).selected} == {"tiny", "none"}


def test_primary_claims_of_the_catalogue_beside_the_claims_share_the_level(workplace, tiny_claim):
    rows = [f'[[row]]\nid = "r{n}"\nwork = "w"\nprimary = {str(n < 4).lower()}\n' for n in range(6)]
    (workplace / "catalogue.toml").write_text("\n".join(rows))
    (workplace / "tiny.py").write_text(replaced(tiny_claim, "depends_on=()", "depends_on=(), primary=True"))
    (check, _) = collect(scale="smoke", paths=["tiny.py"]).selected
    assert check.levels().against == pytest.approx(0.05 / (1 * 2 * 4))


def test_a_control_of_this_suite_can_be_named_where_own_claims_are(workplace):
    write_work("doe2024", workplace / "claims")
    found = collect(scale="smoke", ids=("control-judge",))
    assert [check.id for check in found.selected] == ["control-judge"]
    with pytest.raises(ClaimError, match="no claim or check is named 'm1d-order'"):
        collect(scale="smoke", ids=("m1d-order",))
