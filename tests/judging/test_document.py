"""The document: verdicts.json follows its types, is saved whole, and is compared value by value."""

import copy
import json
import os
from datetime import date

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.collecting.catalogue import Row
from repro.collecting.collect import collect
from repro.errors import StoreError
from repro.judging import document, preregister
from repro.judging.models import SCHEMA_VERSION
from repro.judging.schema import fault, schema
from repro.provenance import PACKAGE
from repro.reporting.report import page
from repro.runs.store import Store

SCHEMA = json.loads((PACKAGE / "judging" / "verdicts.schema.json").read_text())


@pytest.fixture
def checks(workplace, tiny_claim, fill):
    """The checks of a claim whose runs are there at depth 8 and missing at 14."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    return collect(scale="smoke", paths=["tiny.py"]).selected


@pytest.fixture
def made(checks, workplace):
    """The document of a claim that is seen at depth 8 and pending at 14."""
    return document.document(checks, Store(workplace / "results"), "smoke")[0]


@pytest.fixture
def saved(made, workplace):
    document.save(made, workplace / "report" / "verdicts.json")
    return workplace / "report" / "verdicts.json"


def test_the_published_schema_is_that_of_the_types():
    assert schema() == SCHEMA
    assert SCHEMA["$id"] == f"urn:repro:verdicts.json:{SCHEMA_VERSION}"


def test_every_field_of_the_schema_is_described():
    bare = [
        f"{name}.{field}"
        for name, kind in SCHEMA["$defs"].items()
        for field, found in kind.get("properties", {}).items()
        if not found.get("description")
    ]
    assert bare == []
    assert all(kind["description"] for kind in SCHEMA["$defs"].values())


def test_a_document_follows_its_published_schema(made):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_a_document_of_every_claim_and_no_run_follows_the_schema(workplace):
    for scale in ("smoke", "paper"):
        checks = collect(scale=scale).selected
        made, _ = document.document(checks, Store(workplace / "results"), scale)
        jsonschema.Draft202012Validator(SCHEMA).validate(made)
        assert fault(made) == ""


def test_the_schema_has_no_room_for_an_unknown_field(made):
    made["judgements"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_a_saved_document_is_loaded_as_it_was(made, saved):
    assert document.load(saved) == json.loads(json.dumps(made))
    assert document.differences(saved, made) == []


def test_each_run_stands_once_with_the_checks_that_rest_on_it(made):
    assert len(made["runs"]) == 3
    assert all(run["checks"] == ["tiny[depth=8]"] for run in made["runs"])
    assert made["cost"]["trained"] == 3


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 2}', "\udcff", "[" * 9999]
)
def test_a_file_that_is_no_document_is_refused_with_the_command_that_makes_one(workplace, text):
    (workplace / "verdicts.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StoreError, match=r"^[^\n]*[Jj]udge[^\n]*$"):
        document.load(workplace / "verdicts.json")


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


def changed_at(made, path, value):
    made = copy.deepcopy(made)
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return made


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
    saved.write_text(document.text(mutated))
    try:
        assert document.differences(saved, made)
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
    saved.write_text(document.text(changed_at(made, path, value)))
    with pytest.raises(StoreError, match=words):
        document.load(saved)


def test_a_field_is_required_although_its_type_has_a_default(made, saved):
    del made["judgements"][0]["findings"][0]["flips"]
    saved.write_text(document.text(made))
    with pytest.raises(StoreError, match=r"missing required field `flips` - at `\$\.judgements\[0\]\.findings\[0\]`"):
        document.load(saved)


def test_an_infinite_end_of_an_interval_is_null(made, saved):
    ends = changed_at(made, ("judgements", 0, "findings", 0, "criterion"), [None, 1.0])
    saved.write_text(document.text(ends))
    assert document.load(saved) == json.loads(json.dumps(ends))


@pytest.mark.parametrize("part", ["claims", "runs", "scale", "coverage"])
def test_a_missing_field_is_named(made, saved, part):
    del made[part]
    saved.write_text(document.text(made))
    with pytest.raises(StoreError, match=f"missing required field `{part}`"):
        document.load(saved)


# Verifying


def test_verifying_pending_verdicts_is_not_all_of_them(made, saved):
    lines, code = document.verify(saved, made)
    assert (lines, code) == ([f"{saved}: 1 of 2 verdicts are as computed from the runs; 1 PENDING"], 3)


def test_verifying_whole_verdicts_is_all_of_them(checks, workplace):
    made, _ = document.document(checks[:1], Store(workplace / "results"), "smoke")
    document.save(made, workplace / "verdicts.json")
    lines, code = document.verify(workplace / "verdicts.json", made)
    assert (lines, code) == ([f"{workplace / 'verdicts.json'}: all 1 verdicts are as computed from the runs"], 0)


def test_verifying_nothing_is_not_all_of_it(workplace):
    made, _ = document.document([], Store(workplace / "results"), "smoke")
    document.save(made, workplace / "verdicts.json")
    lines, code = document.verify(workplace / "verdicts.json", made)
    assert code == 3 and "no verdict to verify" in lines[0]


def test_verifying_names_what_differs(made, saved):
    saved.write_text(document.text(changed_at(made, ("judgements", 0, "why"), "because")))
    lines, code = document.verify(saved, made)
    assert code == 2 and lines[0].startswith('judgements tiny[depth=8]: why: stored "because"')


@pytest.mark.parametrize(("page", "code"), [(b"<p>seen</p>", 3), (b"<p>REPRODUCED</p>", 2)])
def test_verifying_compares_the_page_where_there_is_one(made, saved, page, code):
    saved.with_name("report.html").write_bytes(b"<p>seen</p>")
    assert document.verify(saved, made, page=lambda stored: page)[1] == code


@pytest.mark.parametrize(("ours", "code"), [({"submissions": 1}, 3), ({"submissions": 2}, 2), (None, 3)])
def test_verifying_compares_the_account_where_this_store_has_one(made, workplace, ours, code):
    path = workplace / "verdicts.json"
    document.save({**made, "cluster": {"submissions": 1}}, path)
    assert document.verify(path, {**made, "cluster": ours})[1] == code


# Saving


def test_a_narrower_selection_does_not_replace_a_document(checks, saved, workplace):
    before = saved.read_bytes()
    narrower, _ = document.document(checks[:1], Store(workplace / "results"), "smoke")
    with pytest.raises(
        StoreError, match=r"1 verdicts that this selection leaves out, such as tiny\[depth=14\].*--report"
    ):
        document.save(narrower, saved)
    assert saved.read_bytes() == before


def test_a_wider_selection_replaces_a_document(checks, made, workplace):
    narrower, _ = document.document(checks[:1], Store(workplace / "results"), "smoke")
    document.save(narrower, workplace / "verdicts.json")
    document.save(made, workplace / "verdicts.json")
    assert len(document.load(workplace / "verdicts.json")["judgements"]) == 2


def test_a_damaged_document_is_replaced(made, saved):
    saved.write_text("{}")
    document.save(made, saved)
    assert document.load(saved)["claims"]


# Coverage and registration


def test_every_row_of_the_catalogue_says_what_became_of_it(checks, workplace):
    rows = [
        Row(id="tiny", work="nobody2021", primary=False, reason="", sentence=""),
        Row(id="huge", work="nobody2021", primary=True, reason="needs ImageNet", sentence=""),
    ]
    made, _ = document.document(
        checks, Store(workplace / "results"), "smoke",
        rows_of_catalogue=rows, missing_seconds={"tiny": 60.0},
    )  # fmt: skip
    assert [(row["id"], row["standing"], row["seconds"]) for row in made["coverage"]] == [
        ("tiny", "pending", 60.0),
        ("huge", "not attempted", None),
    ]
    document.save(made, workplace / "verdicts.json")
    made["coverage"][0]["seconds"] = 90.0  # another machine's estimate
    assert document.differences(workplace / "verdicts.json", made) == []
    made["coverage"][0]["standing"] = "judged"
    assert document.differences(workplace / "verdicts.json", made) == [
        'coverage tiny: standing: stored "pending", computed "judged"'
    ]


@pytest.fixture
def registered(checks, workplace):
    preregister.preregister(checks, workplace / "2026-11-21.json", today=date(2026, 11, 21))
    return workplace / "2026-11-21.json"


def test_what_was_registered_is_recognised(checks, registered):
    found = preregister.compare(checks, registered)
    assert (found.registered, found.judging_code, found.changed, found.unregistered) == ("2026-11-21", True, (), ())


def test_a_rule_that_changed_since_its_registration_is_named(workplace, registered):
    text = (workplace / "tiny.py").read_text().replace("gap=0.0", "gap=1.0")
    (workplace / "other").mkdir()
    (workplace / "other" / "tiny.py").write_text(text)
    checks = collect(scale="smoke", paths=["other/tiny.py"]).selected
    assert preregister.compare(checks, registered).changed == ("tiny[depth=8]", "tiny[depth=14]")


def test_a_check_that_was_not_registered_is_named(checks, registered, workplace):
    (workplace / "1.json").unlink(missing_ok=True)
    preregister.preregister(checks[:1], workplace / "1.json", today=date(2026, 11, 21))
    assert preregister.compare(checks, workplace / "1.json").unregistered == ("tiny[depth=14]",)


def test_a_registration_is_never_written_over(checks, registered):
    with pytest.raises(StoreError, match="is not written over"):
        preregister.preregister(checks, registered, today=date(2026, 11, 22))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"criteria": [1]}'])
def test_a_file_that_is_no_registration_is_refused(checks, workplace, text):
    (workplace / "bad.json").write_text(text)
    with pytest.raises(StoreError, match="is no registration"):
        preregister.compare(checks, workplace / "bad.json")


def test_a_store_without_runs_does_not_replace_verdicts_that_rest_on_some(checks, saved, workplace):
    before = saved.read_bytes()
    (workplace / "mistyped").mkdir()
    empty = document.document(checks, Store(workplace / "mistyped"), "smoke")[0]
    with pytest.raises(
        StoreError, match=r"rests on 3 runs, and this store lacks runs for every verdict; name theirs with --results"
    ):
        document.save(empty, saved)
    assert saved.read_bytes() == before


def test_a_document_that_is_no_plain_file_is_refused_and_not_read_for_ever(saved):
    saved.unlink()
    saved.symlink_to("/dev/zero")
    with pytest.raises(StoreError, match=r"no plain file"):
        document.load(saved)


@pytest.mark.parametrize("harm", ["edited", "no plain file"])
def test_a_page_that_cannot_be_compared_is_a_difference(saved, made, harm):
    report = saved.with_name("report.html")
    os.mkfifo(report) if harm == "no plain file" else report.write_text("x")
    if harm == "edited":
        del made["judgements"][0]["criterion"]["source"]
        saved.write_text(document.text(made))
    lines, code = document.verify(saved, json.loads(saved.read_text()), page=page)
    assert code == 2
    assert ("does not fit together" if harm == "edited" else "no plain file") in lines[0]
