"""What a tracker of papers without code reads, held against the repository."""

import json
import re
import tomllib
from pathlib import Path

from repro.collecting.catalogue import catalogue
from repro.collecting.collect import collect
from repro.collecting.works import works

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "claims/pwnc/codemeta.json").read_text("utf-8"))
PAGE = (ROOT / "claims/pwnc/README.md").read_text("utf-8")
# Terms of CodeMeta 3.0 and of the schema.org types that it builds on, as far as they are used here.
TERMS = {
    "SoftwareSourceCode": {
        "name", "description", "version", "license", "programmingLanguage", "runtimePlatform", "readme",
        "buildInstructions", "author", "referencePublication", "subjectOf", "hasPart", "relatedLink", "review",
    },
    "Organization": {"name"},
    "Person": {"name"},
    "ScholarlyArticle": {"name", "url", "datePublished", "author"},
    "Claim": {"identifier"},
    "Dataset": {"name", "url"},
    "Review": {"author", "reviewAspect", "reviewBody"},
}  # fmt: skip


def objects(found):
    """Every typed object of the record, itself among them."""
    if isinstance(found, dict):
        yield found
    for inner in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from objects(inner)


def test_every_object_has_a_known_type_and_all_of_its_terms_alone():
    assert RECORD["@context"] == "https://w3id.org/codemeta/3.0"
    for one in objects(RECORD):
        assert set(one) - {"@type", "@context"} == TERMS[one["@type"]], one


def test_licence_is_that_of_the_repository():
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert RECORD["license"] == "https://spdx.org/licenses/MIT"
    assert "[MIT](../../LICENSE)" in PAGE


def test_name_version_and_description_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {name: RECORD[name] for name in ("name", "version", "description")} == {
        name: project[name] for name in ("name", "version", "description")
    }
    assert RECORD["runtimePlatform"] == f"Python {project['requires-python'].replace('>=', '>= ')}"


def test_paper_is_the_work_that_the_claims_are_about():
    (paper,) = RECORD["referencePublication"]
    work = next(one for one in works(collect(scale="paper").selected) if one.key == "frankle2021")
    assert (paper["name"], paper["url"], paper["datePublished"]) == (work.title, work.url, str(work.year))
    assert tuple(author["name"] for author in paper["author"]) == work.authors


def test_claims_are_rows_with_a_check():
    checked = {row.id for row in catalogue() if row.work == "frankle2021" and not row.reason}
    assert {one["identifier"] for one in RECORD["subjectOf"]} <= checked


def test_paths_of_record_and_page_exist():
    named = [one["url"] for one in RECORD["hasPart"]] + [RECORD["readme"], RECORD["buildInstructions"]]
    assert all((ROOT / path).exists() for path in named)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE)
    assert len(linked) >= 6
    assert all((ROOT / "claims/pwnc" / path).exists() for path in linked)


def test_record_and_page_name_the_same_framework_and_who_has_run_this():
    (framework,) = RECORD["relatedLink"]
    assert framework in PAGE
    assert {one["reviewAspect"] for one in RECORD["review"]} == {"who has run it", "code of the authors"}
