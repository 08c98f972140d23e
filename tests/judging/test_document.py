import json

import jsonschema
import pytest

from repro.collecting.collect import collect
from repro.errors import StoreError
from repro.judging import document
from repro.provenance import PACKAGE
from repro.runs.store import Store

SCHEMA = json.loads((PACKAGE / "judging" / "verdicts.schema.json").read_text())


@pytest.fixture
def made(workplace, tiny_claim, fill):
    """The document of a claim that holds at depth 8 and is pending at 14."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    checks = collect(scale="smoke", paths=["tiny.py"]).selected
    return document.document(checks, Store(workplace / "results"), "smoke")[0]


def test_a_document_follows_its_published_schema(made):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_a_document_of_every_claim_and_no_run_follows_the_schema(workplace):
    for scale in ("smoke", "paper"):
        checks = collect(scale=scale).selected
        made, _ = document.document(checks, Store(workplace / "results"), scale)
        jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_the_schema_has_no_room_for_an_unknown_field(made):
    made["judgements"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(made)


def test_a_saved_document_is_loaded_as_it_was(made, workplace):
    document.save(made, workplace / "report" / "verdicts.json")
    assert document.load(workplace / "report" / "verdicts.json") == json.loads(json.dumps(made))
    assert document.differences(workplace / "report" / "verdicts.json", made) == []


def test_each_run_stands_once_with_the_checks_that_rest_on_it(made):
    assert len(made["runs"]) == 3
    assert all(run["checks"] == ["tiny[depth=8]"] for run in made["runs"])
    assert made["cost"]["trained"] == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 99}'])
def test_a_file_that_is_no_document_is_refused_with_the_command_that_makes_one(workplace, text):
    (workplace / "verdicts.json").write_text(text)
    with pytest.raises(StoreError, match=r"[Jj]udge"):
        document.load(workplace / "verdicts.json")
