"""A work is described by source.toml in the folder of its claims."""

import dataclasses

import pytest

from repro.collecting.collect import collect
from repro.collecting.works import works
from repro.errors import ClaimError
from tests.made import check_of

LINES = 'title = "A long title"\nshort = "A title"\nauthors = ["A. Author", "B. Author"]\nvenue = "V"\nyear = 2024\n'


@pytest.fixture
def work(tmp_path):
    """Writes a work's folder; gives a check whose file lies in it."""

    def write(text=LINES, key="author2024"):
        (tmp_path / key).mkdir(exist_ok=True)
        (tmp_path / key / "source.toml").write_text(text, encoding="utf-8")
        return dataclasses.replace(check_of(lambda scale, seed: {}), file=tmp_path / key / "claim.py")

    return write


def test_the_suite_describes_the_works_of_its_own_claims():
    found = works(collect(scale="smoke").selected)
    keys = ["frankle2021", "thebatch2020", "greydanus2024", "hastie2009", "peerthum2023"]
    assert [work.key for work in found] == keys
    assert found[0].authors == ("Jonathan Frankle", "David J. Schwab", "Ari S. Morcos") and found[0].year == 2021


def test_every_claim_names_the_work_of_its_folder():
    for check in collect(scale="paper").selected:
        folder = check.file.parent.name
        assert check.claim.source.work == {"controls": "control"}.get(folder, folder)


def test_a_companion_comes_after_the_work_that_it_reports_on(work):
    companion = work(LINES + 'companion_to = "zuse1936"\n', "blog2020")
    assert [one.key for one in works([companion, work(key="zuse1936")])] == ["zuse1936", "blog2020"]


def test_a_folder_without_a_source_has_no_work(tmp_path):
    assert works([dataclasses.replace(check_of(lambda scale, seed: {}), file=tmp_path / "claim.py")]) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("title = ", "cannot be read"),
        (LINES.replace("short", "shrt"), "short, shrt missing or unknown"),
        (LINES.replace("2024", '"2024"'), "year is '2024'; it must be a whole number"),
        (
            LINES.replace('["A. Author", "B. Author"]', '"A. Author"'),
            "authors is 'A. Author'; it must be a list",
        ),
        (LINES + 'scales = "smoke"\n', "scales is 'smoke'; it must be a table of texts"),
        (LINES + 'setting = "x"\n', "it must be a list of tables"),
        (LINES + 'columns = ["a"]\n[[setting]]\nname = "x"\nsaid = "y"\n', "each of the 1 columns"),
        (LINES + '[scales]\nhuge = "x"\n', "the scale 'huge'; allowed: smoke, pilot, paper"),
        (LINES + '[[disagreement]]\nabout = "x"\n', "about and claims"),
        (LINES + '[[remark]]\nclaims = "x"\ntext = "y"\n', "claims, a list of ids"),
        (LINES + '[[remark]]\nclaims = [1]\ntext = "y"\n', "claims, a list of ids"),
        (LINES + '[[remark]]\nclaims = ["wider-is-beter"]\ntext = "y"\n', "did you mean wider-is-better"),
        (LINES + '[[remark]]\nclaims = ["x"]\ntext = ""\n', "claims, a list of ids"),
        (LINES + '[[remark]]\nclaims = ["x"]\ntext = "y"\nscale = "huge"\n', "smoke, pilot, paper"),
        (LINES + 'columns = ["a"]\n[[setting]]\nname = "x"\nsaid = []\n', "each of the 1 columns"),
        (
            LINES + 'columns = ["a"]\n[[setting]]\nname = "x"\nsaid = [""]\nstanding = "fine"\nhere = "y"\n',
            "same, guess",
        ),
        (
            LINES + 'columns = ["a"]\n[[setting]]\nname = "x"\nsaid = [""]\nwhere = {a = "1"}\nhere = "y"\n',
            "either `where`",
        ),
    ],
)
def test_a_faulty_source_is_refused_with_what_it_may_hold(work, text, found):
    with pytest.raises(ClaimError, match=found):
        works([work(text)])
