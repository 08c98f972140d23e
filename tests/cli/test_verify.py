"""verify, doctor and data from outside."""

import json

from repro.cli.main import main


def test_doctor_looks_at_everything_that_a_run_needs(workplace, capsys):
    assert main(["doctor", "--json"]) == 0
    found = {entry["what"]: entry["state"] for entry in json.loads(capsys.readouterr().out)}
    assert found.keys() == {"python", "torch", "results", "digits", "cifar10", "pdf"}
    assert found["digits"] == "ok"
    assert found["cifar10"] == "warn"
