"""Registrations: what was registered is recognised, and what differs is named."""

from datetime import date

import pytest

from repro.collecting.collect import collect
from repro.collecting.new import SOURCE
from repro.errors import StoreError
from repro.judging import preregister


@pytest.fixture
def registered(checks, workplace):
    preregister.preregister(checks, workplace / "2026-11-21.json", today=date(2026, 11, 21))
    return workplace / "2026-11-21.json"


def test_what_was_registered_is_recognised(checks, registered):
    found = preregister.compare(checks, [registered])
    assert (found.registered, found.judging_code, found.changed, found.unregistered) == ("2026-11-21", True, (), ())


@pytest.mark.parametrize("code", [None, "f" * 64], ids=["in the same code", "in changed code"])
def test_a_rule_that_changed_since_its_registration_is_named(workplace, registered, monkeypatch, code):
    if code:
        monkeypatch.setattr("repro.judging.preregister.judging_code", lambda: code)
    text = (workplace / "tiny.py").read_text().replace("gap=0.0", "gap=1.0")
    (workplace / "other").mkdir()
    (workplace / "other" / "tiny.py").write_text(text)
    checks = collect(scale="smoke", paths=["other/tiny.py"]).selected
    assert preregister.compare(checks, [registered]).changed == ("tiny[depth=8]", "tiny[depth=14]")


def test_a_check_that_was_not_registered_is_named(checks, registered, workplace):
    (workplace / "1.json").unlink(missing_ok=True)
    preregister.preregister(checks[:1], workplace / "1.json", today=date(2026, 11, 21))
    assert preregister.compare(checks, [workplace / "1.json"]).unregistered == ("tiny[depth=14]",)


def test_a_registration_is_never_written_over(checks, registered):
    with pytest.raises(StoreError, match="is never overwritten"):
        preregister.preregister(checks, registered, today=date(2026, 11, 22))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"criteria": [1]}'])
def test_a_file_that_is_no_registration_is_refused(checks, workplace, text):
    (workplace / "bad.json").write_text(text)
    with pytest.raises(StoreError, match="is not a registration"):
        preregister.compare(checks, [workplace / "bad.json"])


def test_each_rule_is_held_against_the_first_registration_that_has_it(checks, workplace):
    for name, some in (("1.json", checks[:1]), ("2.json", checks)):
        preregister.preregister(some, workplace / name, today=date(2026, 11, 21))
    found = preregister.compare(checks, [workplace / "1.json", workplace / "2.json"])
    assert (found.file, found.unregistered, found.changed) == ("1.json, 2.json", (), ())


def test_a_rule_that_was_registered_again_is_held_against_its_first_registration(checks, registered, workplace):
    (workplace / "other").mkdir()
    (workplace / "other" / "tiny.py").write_text((workplace / "tiny.py").read_text().replace("gap=0.0", "gap=1.0"))
    changed = collect(scale="smoke", paths=["other/tiny.py"]).selected
    preregister.preregister(changed, workplace / "2026-11-22.json", today=date(2026, 11, 22))
    found = preregister.compare(changed, [registered, workplace / "2026-11-22.json"])
    assert (found.file, found.changed) == ("2026-11-21.json", ("tiny[depth=8]", "tiny[depth=14]"))


def test_a_rule_that_other_judging_code_applies_has_not_changed(checks, registered, monkeypatch):
    monkeypatch.setattr("repro.judging.preregister.judging_code", lambda: "f" * 64)
    found = preregister.compare(checks, [registered])
    assert (found.judging_code, found.changed) == (False, ())


def test_rules_that_no_registration_has_are_not_compared(checks):
    assert preregister.compare(checks, []) is None


@pytest.mark.parametrize("target", ["nowhere-yet", "link.json"], ids=["to nothing", "to itself"])
def test_a_registration_never_replaces_a_link(checks, workplace, target):
    link = workplace / "link.json"
    link.symlink_to(target)
    with pytest.raises(StoreError, match="a registration is never overwritten"):
        preregister.preregister(checks, link, today=date(2026, 11, 21))
    assert link.is_symlink() and not (workplace / "nowhere-yet").exists()


def test_of_two_registrations_at_once_the_first_stays(checks, workplace, monkeypatch):
    path = workplace / "p.json"

    def meanwhile(*_, **__):
        path.write_text("another")
        return {}

    monkeypatch.setattr(preregister, "registration", meanwhile)
    with pytest.raises(StoreError, match=r"p\.json cannot be written: File exists\. Move away what is there"):
        preregister.preregister(checks, path, today=date(2026, 11, 21))
    assert path.read_text() == "another"
    assert [one.name for one in workplace.glob("*p.json*")] == ["p.json"]


def test_a_registration_lies_beside_its_claims_and_a_second_one_of_a_day_comes_after_the_first(workplace, tiny_claim):
    work = workplace / "elsewhere" / "nobody2021"
    work.mkdir(parents=True)
    (work / "claim.py").write_text(tiny_claim)
    (work / "source.toml").write_text(SOURCE)
    (check, *_) = checks = collect(scale="smoke", paths=[str(work)]).selected
    place = preregister.place(check)
    assert place == workplace / "elsewhere" / "registered"
    for name in ("2026-11-21", "2026-11-21-2", "2026-11-20-x"):
        preregister.preregister(checks, place / f"{name}.json", today=date(2026, 11, 21))
    names = [path.stem for path in preregister.registrations(checks)]
    assert names == ["2026-11-20-x", "2026-11-21", "2026-11-21-2"]
    with pytest.raises(StoreError, match=r"--to .*2026-11-21-2-2\.json"):
        preregister.preregister(checks, place / "2026-11-21-2.json", today=date(2026, 11, 21))


def test_a_rule_that_was_registered_for_another_copy_of_the_data_is_unregistered_and_not_changed(workplace, tiny_claim):
    (workplace / "tiny.py").write_text(tiny_claim)
    copy, original = (collect(scale="paper", paths=["tiny.py"], copy=name).selected for name in ("cifar10-jpeg", None))
    preregister.preregister(copy, workplace / "1.json", today=date(2026, 11, 21))
    found = preregister.compare(original, [workplace / "1.json"])
    assert (found.changed, found.unregistered) == ((), ("tiny[depth=8]", "tiny[depth=14]"))
    assert preregister.compare(copy, [workplace / "1.json"]).unregistered == ()
