"""Documents: what verdicts.json holds follows its published schema."""

import json

import jsonschema
import pytest

from repro.collecting.catalogue import Row
from repro.collecting.collect import collect
from repro.judging import document, verdicts_json, verify
from repro.judging.document_types import SCHEMA_VERSION
from repro.judging.schema import fault, schema
from repro.provenance import PACKAGE
from repro.runs.store import TENSORS, Store

SCHEMA = json.loads((PACKAGE / "judging" / "verdicts.schema.json").read_text())


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
        made = document.document(checks, Store(workplace / "results"), scale).contents
        jsonschema.Draft202012Validator(SCHEMA).validate(made)
        assert fault(made) == ""


def test_the_schema_has_no_room_for_an_unknown_field(made):
    made["judgements"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_a_run_says_whether_its_tensors_are_there_and_verifying_without_them_finds_the_same(checks, made, saved):
    store = Store(saved.parents[1] / "results")
    key = made["runs"][0]["key"]
    (store.root / key / TENSORS).unlink()
    again = document.document(checks, store, "smoke").contents
    assert [run["tensors"] for run in made["runs"]] == [True] * 3
    assert [run["tensors"] for run in again["runs"]] == [False, True, True]
    assert verify.differences(saved, again) == []


def test_each_run_stands_once_with_the_checks_that_rest_on_it(made):
    assert len(made["runs"]) == 3
    assert all(run["checks"] == ["tiny[depth=8]"] for run in made["runs"])
    assert made["waiting"] == []
    assert (made["cost"]["trained"], made["cost"]["untrained"]) == (3, 0)


def test_a_complete_run_whose_check_waits_for_others_is_kept_to_be_drawn(checks, workplace, finished):
    store = Store(workplace / "partly")
    run = finished(store, next(iter(checks[0].runs(1).values())), top1=80.0)
    made = document.document(checks, store, "smoke").contents
    assert made["runs"] == []
    (waiting,) = made["waiting"]
    assert (waiting["key"], waiting["checks"], waiting["claims"]) == (run.spec.key, [], ["tiny"])
    assert waiting["spec"]["depth"] == run.spec.depth
    assert waiting["measures"]["top1"] == 80.0


def test_a_damaged_run_that_no_check_reads_yet_is_not_drawn(checks, workplace, finished):
    store = Store(workplace / "partly")
    run = finished(store, next(iter(checks[0].runs(1).values())), top1=80.0)
    (run.folder / "history.jsonl").write_text("{}")
    assert document.document(checks, store, "smoke").contents["waiting"] == []


def test_every_row_of_the_catalogue_has_a_standing(checks, workplace):
    rows = [
        Row(id="tiny", work="nobody2021", primary=False, reason="", sentence=""),
        Row(id="huge", work="nobody2021", primary=True, reason="needs ImageNet", sentence=""),
    ]
    made = document.document(
        checks, Store(workplace / "results"), "smoke",
        rows_of_catalogue=rows, missing_seconds={"tiny": 60.0},
    ).contents  # fmt: skip
    assert [(row["id"], row["standing"], row["seconds"]) for row in made["coverage"]] == [
        ("tiny", "pending", 60.0),
        ("huge", "not attempted", None),
    ]
    verdicts_json.save(made, workplace / "verdicts.json")
    made["coverage"][0]["seconds"] = 90.0  # another machine's estimate
    assert verify.differences(workplace / "verdicts.json", made) == []
    made["coverage"][0]["standing"] = "judged"
    assert verify.differences(workplace / "verdicts.json", made) == [
        'coverage tiny: standing: stored "pending", computed "judged"'
    ]


def test_the_protocol_is_that_of_the_checks_own_runs(tmp_path):
    claims = PACKAGE.parent / "claims"
    of_steps = collect(scale="paper", paths=[str(claims / "greydanus2024" / "fig9_pooling.py")]).selected
    of_epochs = collect(scale="paper", paths=[str(claims / "frankle2021" / "fig6_clamping.py")]).selected
    steps, epochs = (
        document.document(checks, Store(tmp_path), "paper").contents["protocol"] for checks in (of_steps, of_epochs)
    )
    assert (steps["optimizer"], steps["steps"], steps["scale"]) == ("adam", "6000", "paper")
    assert (epochs["epochs"], epochs["dataset"]) == ("1 or 160", "cifar10")
    assert "epochs" not in steps and "seed" not in steps and "steps" not in epochs
