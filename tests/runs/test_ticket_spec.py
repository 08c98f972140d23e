"""TicketSpec: the sequence of retrains that it stands for, and what it refuses."""

import dataclasses

import pytest

from repro.errors import SpecError
from repro.recipes import dense_beside_ticket, ticket

TICKET, RANDOM = ticket(0, "magnitude"), ticket(0, "random")


def test_a_ticket_has_its_retrains_and_then_its_tests():
    labels = [retrain.label for retrain in TICKET.sequence]
    assert labels[:2] == ["retrain 1", "retrain 2"]
    assert labels[95:] == ["retrain 96", "other data", "reversed", "shuffled", "new weights"]
    assert TICKET.rows == len(labels) == 100


def test_retrains_have_the_protocol_of_greydanus2024():
    searched = TICKET.sequence[0].training
    assert (searched.family, searched.hidden, searched.optimizer, searched.order) == (
        "residual-mlp", 500, "adam", "stored",
    )  # fmt: skip
    assert (searched.learning_rate, searched.batch_size, searched.steps) == (0.02, 100, 1_501)
    assert {retrain.training for retrain in TICKET.sequence[:96]} == {searched}


def test_tests_are_of_one_mask_on_other_data_with_features_as_they_say():
    tests = TICKET.sequence[96:]
    assert {retrain.level for retrain in tests} == {92}
    assert {(one.training.dataset, one.training.batch_size, one.training.steps) for one in tests} == {
        ("mnist1d-seed-43", 500, 6_000)
    }
    assert [one.training.features for one in tests] == ["in order", "reversed", "shuffled", "in order"]


@pytest.mark.parametrize(("features", "row"), [("in order", 96), ("shuffled", 98)])
def test_a_dense_network_beside_a_ticket_is_trained_as_the_ticket_is_tested(features, row):
    assert dense_beside_ticket(0, features) == TICKET.sequence[row].training


def test_a_random_mask_is_trained_at_sparsities_of_the_ticket():
    assert set(RANDOM.retrains) < set(TICKET.retrains)
    assert RANDOM.sequence[0].training == TICKET.sequence[0].training
    assert RANDOM.reads == ("mnist1d",)
    assert TICKET.reads == ("mnist1d", "mnist1d-seed-43")


def test_done_is_the_share_of_the_examples_that_were_taken_in():
    searching, testing = 96 * 1_501 * 100, 4 * 6_000 * 500
    assert TICKET.done(0, 0) == 0
    assert TICKET.done(48, 0) == pytest.approx(searching / 2 / (searching + testing))
    assert TICKET.done(96, 3_000) == pytest.approx((searching + testing / 8) / (searching + testing))
    assert TICKET.done(100, 0) == 1


def test_the_name_of_a_ticket_says_how_it_is_pruned_and_how_often_it_is_trained():
    assert TICKET.name == "residual-mlp-500 pruned by magnitude 96 retrains 4 tests seed 0 (mnist1d)"
    assert RANDOM.name == "residual-mlp-500 pruned at random 6 retrains seed 0 (mnist1d)"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"retrains": (1, 3, 2)}, "retrains is (1, 3, 2)"),
        ({"retrains": ()}, "retrains is ()"),
        ({"retrains": (1, 101)}, "from 1 to 100"),
        ({"retrains": (0, 92, 96)}, "from 1 to 100"),
        ({"retrains": (1, 92, 96.0)}, "96.0"),
        ({"kept": (92,)}, "with the last"),
        ({"kept": (97,)}, "some of the retrains"),
        ({"kept": ()}, "kept is ()"),
        ({"tests": ("reversed", "other data")}, "in this order"),
        ({"tests": ("upside down",)}, "'upside down'"),
        ({"tested_level": 91}, "tested_level is 91"),
        ({"momentum": 0.9}, "momentum is 0.9"),
        ({"levels": 1}, "levels is 1"),
        ({"pruning": "by size"}, "'by size'"),
        ({"tested_on": "digits"}, "'digits'"),
    ],
    ids=str,
)
def test_a_ticket_that_nobody_could_search_for_is_refused(change, found):
    with pytest.raises(SpecError) as error:
        dataclasses.replace(TICKET, **change)
    assert found in str(error.value)
