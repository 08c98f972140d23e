"""verify, doctor and data from outside."""

import json

from repro.cli.main import main
from tests.cli.told import refused
from tests.drawn import draw


def test_doctor_looks_at_everything_that_a_run_needs(workplace, capsys):
    assert main(["doctor", "--json"]) == 0
    found = {entry["what"]: entry["state"] for entry in json.loads(capsys.readouterr().out)}
    assert found.keys() == {"python", "torch", "results", "digits", "cifar10", "imagenet", "pdf"}
    assert found["digits"] == "ok"
    assert found["cifar10"] == "warn"
    assert found["imagenet"] == "ok"  # few need it


def test_data_reads_images_in_files_through_once_and_prints_their_fingerprints(workplace, capsys):
    draw(workplace / "data")
    assert main(["data", "check", "imagenet-drawn", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["imagenet-drawn"]
    assert (found["train"], found["test"]) == ([45], [20])
    assert all(len(one) == 64 for one in found["fingerprints"].values())
    assert (workplace / "data" / "imagenet-drawn.index").exists()


def test_data_names_a_broken_image_in_one_line_and_writes_nothing(workplace, capsys):
    file = next((draw(workplace / "data") / "train" / "n02").iterdir())
    file.write_bytes(b"no image")
    assert f"{file.relative_to(workplace)} is not an image" in refused(
        capsys, "data", "check", "imagenet-drawn", "--json"
    )
    assert not (workplace / "data" / "imagenet-drawn.index").exists()


def test_data_without_cifar10_is_pending_and_half_a_copy_is_refused(workplace, capsys):
    assert main(["data", "check", "--json"]) == 3
    assert json.loads(capsys.readouterr().out).keys() == {"digits"}
    (workplace / "data").mkdir()
    (workplace / "data" / "train-0.parquet").touch()
    assert "data holds no test*.parquet; it needs both splits" in refused(capsys, "data", "check", "--json")
