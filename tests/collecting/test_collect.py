"""Collecting: the checks of claim files, at every scale, without torch and without running one."""

import os

import pytest

from repro.collecting.collect import collect
from repro.collecting.ids import defining
from repro.errors import ClaimError
from repro.recipes import SCALES


@pytest.fixture
def tiny(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    return workplace / "tiny.py"


def test_each_point_of_the_grid_is_a_check(tiny):
    assert [check.id for check in collect(scale="smoke", paths=[str(tiny)]).selected] == [
        "tiny[depth=8]",
        "tiny[depth=14]",
    ]


def test_check_knows_its_file(tiny):
    assert {check.file for check in collect(scale="smoke", paths=["tiny.py"]).selected} == {tiny}


@pytest.mark.parametrize(("own", "common", "counted"), [(3, 2, 3), (None, 2, 2), (0, 2, 1), (None, None, 1)])
def test_check_knows_the_primary_claims_of_its_works_own_catalogue_or_of_the_common_one(
    workplace, tiny_claim, own, common, counted
):
    """They share the level against a primary claim."""
    (workplace / "claims" / "nobody2021").mkdir(parents=True)
    for number, folder in ((own, "claims/nobody2021"), (common, "claims")):
        if number is not None:
            rows = [f'[[row]]\nid = "{i}"\nwork = "work"\nprimary = {str(i < number).lower()}\n' for i in range(5)]
            (workplace / folder / "catalogue.toml").write_text("\n".join(rows))
    (workplace / "claims" / "nobody2021" / "tiny.py").write_text(tiny_claim)
    selected = collect(scale="smoke", paths=["claims/nobody2021/tiny.py"]).selected
    assert {check.primaries for check in selected} == {counted}


def test_folder_is_searched_for_claim_files(tiny):
    assert len(collect(scale="smoke", paths=["."]).selected) == 2


def test_keyword_selects_by_claim_id(tiny):
    assert len(collect(scale="smoke", paths=["tiny.py"], keyword="tiny").selected) == 2


def test_keyword_selects_by_parameter(tiny):
    assert len(collect(scale="smoke", paths=["tiny.py"], keyword="14").selected) == 1


def test_what_is_deselected_stays_known(tiny):
    assert len(collect(scale="smoke", paths=["tiny.py"], keyword="14").checks) == 2


def test_one_test_is_selected_by_its_node_id(tiny):
    assert len(collect(scale="smoke", paths=["tiny.py::test_tiny[depth=8]"]).selected) == 1


@pytest.mark.parametrize("path", ["nowhere.py", "nowhere.py::test_x", "no/folder"])
def test_path_that_does_not_exist_is_named(workplace, path):
    with pytest.raises(ClaimError, match=f"^{path} does not exist; name claim files or folders"):
        collect(scale="smoke", paths=[path])


def test_keyword_that_matches_nothing_is_named(tiny):
    with pytest.raises(ClaimError, match=r"no check matches -k 'huge' in tiny\.py"):
        collect(scale="smoke", paths=["tiny.py"], keyword="huge")


def test_folder_without_claims_holds_no_check(workplace):
    with pytest.raises(ClaimError, match=r"^\. holds no claim: no function there is marked"):
        collect(scale="smoke", paths=["."])


@pytest.mark.parametrize("keyword", ["a b(", "tiny[depth=99]", "tiny and", "(", "a\nb ("])
def test_keyword_that_is_no_expression_is_refused_in_one_line(tiny, keyword):
    with pytest.raises(ClaimError, match=r"^-k '[^\n]* is neither an id nor words[^\n]*; `repro list` names all\.$"):
        collect(scale="smoke", paths=["tiny.py"], keyword=keyword)


@pytest.mark.parametrize("keyword", ["tiny[depth=8]", "tiny[depth=14]"])
def test_keyword_may_be_the_id_of_a_check(tiny, keyword):
    assert [check.id for check in collect(scale="smoke", paths=["tiny.py"], keyword=keyword).selected] == [keyword]


def test_keyword_that_is_the_id_of_a_claim_selects_no_other(tiny, tiny_claim):
    (tiny.parent / "longer.py").write_text(tiny_claim.replace('"tiny"', '"tiny-too"'))
    selected = collect(scale="smoke", paths=["."], keyword="tiny").selected
    assert {check.claim.id for check in selected} == {"tiny"}


def test_options_meant_for_other_pytest_sessions_are_not_obeyed(tiny, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 2 -k nothing")
    assert len(collect(scale="smoke", paths=["tiny.py"]).selected) == 2
    assert os.environ["PYTEST_ADDOPTS"] == "-n 2 -k nothing"


@pytest.mark.parametrize("error", ["ClaimError", "SpecError"])
def test_error_of_a_claim_file_is_reported_without_its_class(workplace, error):
    (workplace / "broken.py").write_text(f"from repro.errors import {error}\nraise {error}('the depth is odd.')\n")
    with pytest.raises(ClaimError, match=r"^the depth is odd\. \(broken\.py\)$"):
        collect(scale="smoke", paths=["broken.py"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import nowhere_at_all\n", "nowhere_at_all"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_claim_file_that_cannot_be_imported_is_reported_in_one_line(workplace, text, found):
    (workplace / "broken.py").write_text(text)
    with pytest.raises(ClaimError, match=rf"^[^\n]*{found}[^\n]*broken\.py[^\n]*$"):
        collect(scale="smoke", paths=["broken.py"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import sys\nsys.exit(0)\n", r"ends the program when it is imported \(SystemExit\)"),
        ("import pytest\npytest.exit('bye')\n", r"ends the program when it is imported \(Exit\)"),
        ("import pytest\npytest.skip('later')\n", "skips itself"),
        ("import pytest\npytest.skip('later', allow_module_level=True)\n", "skips itself"),
        ("def test_nothing(): pass\n", "is not a check; mark it with"),
        ("from repro.errors import ClaimError\nraise ClaimError('one\\ntwo')\n", "^one two "),
    ],
)
def test_claim_file_that_declares_nothing_is_named_in_one_line(workplace, text, found):
    (workplace / "odd.py").write_text(text)
    with pytest.raises(ClaimError, match=found) as raised:
        collect(scale="smoke", paths=["odd.py"])
    assert "odd.py" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_interrupt_while_a_claim_file_is_imported_stays_one(workplace):
    (workplace / "slow.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        collect(scale="smoke", paths=["slow.py"])


def test_keyword_like_an_id_is_answered_with_it(tiny):
    with pytest.raises(ClaimError, match=r"did you mean tiny\?"):
        collect(scale="smoke", paths=["tiny.py"], keyword="tinny")


def test_collecting_prints_nothing(tiny, capsys):
    collect(scale="smoke", paths=["tiny.py"])
    assert capsys.readouterr() == ("", "")


def test_collecting_leaves_no_file_behind(tiny):
    collect(scale="smoke", paths=["tiny.py"])
    assert {path.name for path in tiny.parent.iterdir()} <= {"tiny.py", "__pycache__"}


@pytest.mark.parametrize("scale", SCALES)
def test_own_claims_collect_at_every_scale(workplace, scale):
    assert len(collect(scale=scale).selected) >= 30


def test_own_claims_depend_on_controls_that_exist(workplace):
    checks = collect(scale="paper").selected
    assert {name for check in checks for name in check.claim.depends_on} <= {check.claim.id for check in checks}


@pytest.mark.parametrize(("path", "message"), [("", "a path is empty"), ("tiny.py::nothing", "not a check in one")])
def test_a_path_that_names_no_check_is_reported_with_what_to_do(workplace, tiny_claim, path, message):
    (workplace / "tiny.py").write_text(tiny_claim)
    with pytest.raises(ClaimError, match=f"{message}.*[;,]"):
        collect(scale="smoke", paths=[path])


@pytest.mark.parametrize(
    ("ids", "keyword", "selected"),
    [
        (["tiny"], "", ["tiny[depth=8]", "tiny[depth=14]"]),
        (["tiny[depth=14]"], "", ["tiny[depth=14]"]),
        ([], "tiny[depth=14]", ["tiny[depth=14]"]),
        ([], "tiny[depth=8] or tiny[depth=14]", ["tiny[depth=8]", "tiny[depth=14]"]),
        ([], "another or nothing", ["another[depth=8]", "another[depth=14]"]),
    ],
)
def test_ids_select_exactly_what_they_name(workplace, tiny_claim, ids, keyword, selected):
    (workplace / "tiny.py").write_text(tiny_claim)
    (workplace / "more.py").write_text(tiny_claim.replace('"tiny"', '"another"'))
    found = collect(scale="smoke", paths=["tiny.py", "more.py"], ids=ids, keyword=keyword).selected
    assert [check.id for check in found] == selected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tinny", "no claim or check is named 'tinny'; did you mean tiny"),
        ("xxxxxxxx", "`repro list` names all"),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest(workplace, tiny_claim, name, words):
    (workplace / "tiny.py").write_text(tiny_claim)
    with pytest.raises(ClaimError, match=words):
        collect(scale="smoke", paths=["tiny.py"], ids=[name])


def test_the_id_of_a_claim_without_a_point_at_the_scale_is_refused_with_the_reason():
    with pytest.raises(ClaimError, match=r"extra-parts-vanish has no point at this scale: .*\. Points: --scale paper"):
        collect(scale="smoke", ids=["extra-parts-vanish"])


def test_a_folder_of_a_thousand_python_files_is_not_imported(workplace, monkeypatch):
    monkeypatch.setattr("repro.collecting.collect.MOST", 3)
    for name in "abc":
        (workplace / f"{name}.py").write_text(f"raise SystemExit({name!r})")
    with pytest.raises(ClaimError, match="holds 3 Python files or more"):
        collect(scale="smoke", paths=[str(workplace)])


def test_the_file_of_a_claim_is_the_one_that_defines_it_and_not_one_that_names_it(tmp_path):
    work = tmp_path / "doe2024"
    work.mkdir()
    (work / "defines.py").write_text('@claim(id="found", sentence="A sentence.")\ndef test_it(evidence): ...\n')
    (work / "names.py").write_text('@claim(id="other", depends_on=("found",))\ndef test_it(evidence): ...\n')
    (work / "broken.py").write_text('@claim(id="found"\n')
    assert defining("found", work) == [work / "defines.py"]
    assert defining("foun", work) == []
