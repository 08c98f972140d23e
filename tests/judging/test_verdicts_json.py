"""verdicts.json: it is saved whole, and read only where it follows its types."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.errors import StoreError
from repro.judging import document, verdicts_json, verify
from repro.runs.store import Store
from tests.judging.cases import changed_at


def test_a_saved_document_is_loaded_as_it_was(made, saved):
    assert verdicts_json.load(saved) == json.loads(json.dumps(made))
    assert verify.differences(saved, made) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 2}', "\udcff", "[" * 9999]
)
def test_a_file_that_is_no_document_is_refused_with_the_command_that_makes_one(workplace, text):
    (workplace / "verdicts.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StoreError, match=r"^[^\n]*[Jj]udge[^\n]*$"):
        verdicts_json.load(workplace / "verdicts.json")


def leaves(value, path=()):
    """Every path to a value that is no object and no array."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


ROWS = {"judgements": "check", "claims": "claim", "runs": "key", "coverage": "id"}


def place_of(made, path):
    """What a line about a leaf begins with: its row and its field, its row alone where that has another name."""
    part, *rest = path
    if part not in ROWS:
        return f"{part}: "
    index, field = rest[:2]
    row = f"{part} {made[part][index][ROWS[part]]}: "
    return row if field == ROWS[part] else f"{row}{field}: "


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_mutated_leaf_is_refused_or_named(made, saved, data):
    path = data.draw(st.sampled_from([path for path in leaves(made) if path[0] != "cluster"]))
    mutated = changed_at(made, path, data.draw(st.sampled_from([None, -1, 0.5, "x", True, [], {}])))
    old = made
    for step in path:
        old = old[step]
    new = mutated
    for step in path:
        new = new[step]
    if old == new and type(old) is type(new):
        return
    saved.write_text(verdicts_json.text(mutated))
    start = f"{saved} holds the same values in other bytes" if old == new else place_of(made, path)
    try:
        assert any(line.startswith(start) for line in verify.differences(saved, made))
    except StoreError as error:
        assert str(saved) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("claims", 0, "verdict"), "FINE", r"Invalid enum value 'FINE' - at `\$\.claims\[0\]\.verdict`"),
        (("judgements", 1, "seeds"), "3", r"Expected `int`, got `str` - at `\$\.judgements\[1\]\.seeds`"),
        (("judgements", 1, "seeds"), True, r"Expected `int`, got `bool` - at `\$\.judgements\[1\]\.seeds`"),
        (("runs", 0, "top1_by_epoch"), None, r"Expected `array`, got `null` - at `\$\.runs\[0\]\.top1_by_epoch`"),
        (("suite",), [], r"Expected `object`, got `array` - at `\$\.suite`"),
        (("registration",), {"file": "a"}, r"missing required field `sha256` - at `\$\.registration`"),
        (("judgements", 0, "extra"), 1, r"unknown field `extra` - at `\$\.judgements\[0\]`"),
        (("judgements", 0, "findings", 0, "interval"), [1.0], r"`array` of length 2, got 1 - at .*\.interval`"),
    ],
)
def test_a_field_of_another_type_is_named(made, saved, path, value, words):
    saved.write_text(verdicts_json.text(changed_at(made, path, value)))
    with pytest.raises(StoreError, match=words):
        verdicts_json.load(saved)


def test_a_field_is_required_although_its_type_has_a_default(made, saved):
    del made["judgements"][0]["findings"][0]["flips"]
    saved.write_text(verdicts_json.text(made))
    with pytest.raises(StoreError, match=r"missing required field `flips` - at `\$\.judgements\[0\]\.findings\[0\]`"):
        verdicts_json.load(saved)


def test_an_infinite_end_of_an_interval_is_null(made, saved):
    ends = changed_at(made, ("judgements", 0, "findings", 0, "criterion"), [None, 1.0])
    saved.write_text(verdicts_json.text(ends))
    assert verdicts_json.load(saved) == json.loads(json.dumps(ends))


@pytest.mark.parametrize("part", ["claims", "runs", "scale", "coverage"])
def test_a_missing_field_is_named(made, saved, part):
    del made[part]
    saved.write_text(verdicts_json.text(made))
    with pytest.raises(StoreError, match=f"missing required field `{part}`"):
        verdicts_json.load(saved)


def test_a_narrower_selection_does_not_replace_a_document(checks, saved, workplace):
    before = saved.read_bytes()
    narrower = document.document(checks[:1], Store(workplace / "results"), "smoke").contents
    with pytest.raises(
        StoreError, match=r"1 verdict that this selection leaves out, such as tiny\[depth=14\].*--report"
    ):
        verdicts_json.save(narrower, saved)
    assert saved.read_bytes() == before


def test_a_wider_selection_replaces_a_document(checks, made, workplace):
    narrower = document.document(checks[:1], Store(workplace / "results"), "smoke").contents
    verdicts_json.save(narrower, workplace / "verdicts.json")
    verdicts_json.save(made, workplace / "verdicts.json")
    assert len(verdicts_json.load(workplace / "verdicts.json")["judgements"]) == 2


def test_a_damaged_document_is_replaced(made, saved):
    saved.write_text("{}")
    verdicts_json.save(made, saved)
    assert verdicts_json.load(saved)["claims"]


def test_a_store_without_runs_does_not_replace_verdicts_that_rest_on_some(checks, saved, workplace):
    before = saved.read_bytes()
    (workplace / "mistyped").mkdir()
    empty = document.document(checks, Store(workplace / "mistyped"), "smoke").contents
    with pytest.raises(
        StoreError,
        match=r"is based on 3 runs, but this store is missing runs for every verdict; name another",
    ):
        verdicts_json.save(empty, saved)
    assert saved.read_bytes() == before


def test_a_document_that_is_no_plain_file_is_refused_and_not_read_for_ever(saved):
    saved.unlink()
    saved.symlink_to("/dev/zero")
    with pytest.raises(StoreError, match=r"not a plain file"):
        verdicts_json.load(saved)


def test_half_a_character_is_named(saved):
    saved.write_text(saved.read_text().replace('"tiny"', r'"\ud83d"', 1))
    with pytest.raises(StoreError, match=r"is not a verdicts.json \(it holds '.ud83d', which is not a character\)"):
        verdicts_json.load(saved)
