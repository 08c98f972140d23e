import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from repro.recipes import cifar
from repro.runs.datasets import DATASETS
from repro.training import data
from repro.training.data import Examples, Split
from repro.training.loop import evaluate, start, train
from repro.training.optimizers import learning_rate
from repro.training.trainable import prepare

CPU = torch.device("cpu")


def few_images(count=25):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 17, (count, 8, 8, 1), dtype=torch.uint8, generator=generator)
    split = Split(inputs=pixels, labels=torch.arange(count) % 10)
    return Examples(train=split, test=split, dataset=DATASETS["digits"], fingerprints={})


def short(trained="batchnorm", **changes):
    spec = cifar("smoke", 0, depth=8, trained=trained)
    return dataclasses.replace(spec, **{"epochs": 2, "batch_size": 8, "learning_rate_drops": (1,), **changes})


def finished(spec, images):
    net = prepare(spec, CPU)
    state = start(spec, net)
    return list(train(spec, net, images, state, lambda state: False)), net, state


@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(1, 7), max_size=3), trained=st.sampled_from(["batchnorm", "all", "none"]))
def test_paused_anywhere_and_gone_on_equals_never_paused(stops, trained):
    spec, images = short(trained), few_images()
    whole, whole_net, whole_state = finished(spec, images)
    net = prepare(spec, CPU)
    state, rows = start(spec, net), []
    for steps in [*stops, 10**6]:
        left = iter(range(steps))
        rows += train(spec, net, images, state, lambda state, left=left: next(left, None) is None)
    assert rows == whole
    assert torch.equal(net.trained, whole_net.trained)
    assert torch.equal(net.running, whole_net.running)
    assert torch.equal(state.slots["momentum"], whole_state.slots["momentum"])


def test_a_step_is_sgd_with_momentum_and_decay_on_every_trained_parameter():
    spec, images = short(epochs=1, learning_rate_drops=(), batch_size=25, weight_decay=0.1), few_images()
    net = prepare(spec, CPU)
    reference = prepare(spec, CPU)
    list(train(spec, net, images, start(spec, net), lambda state: False))
    loss = functional.cross_entropy(reference.model.train()(images.normalise(images.train.inputs)), images.train.labels)
    loss.backward()
    expected = reference.trained - 0.1 * (reference.trained.grad + 0.1 * reference.trained)
    assert torch.allclose(net.trained, expected, atol=1e-5)


def test_every_image_is_seen_once_an_epoch_and_the_last_partial_batch_is_kept():
    spec, images = short(epochs=1, learning_rate_drops=()), few_images()
    net = prepare(spec, CPU)
    state, seen = start(spec, net), []
    for _ in train(spec, net, images, state, lambda state: seen.append(state.sums[2].item())):
        pass
    assert seen == [0, 8, 16, 24]
    assert state.row == 1


def test_data_order_changes_with_epoch_and_seed(monkeypatch):
    images = few_images()

    def orders(seed):
        """The images in the order in which they are trained on, epoch by epoch."""
        epochs = []

        def drawn(*_):
            epochs.append([])
            return ()

        def watched(pixels, index, _):
            epochs[-1] += index.tolist()
            return pixels[index]

        monkeypatch.setattr(data, "draws", drawn)
        monkeypatch.setattr(data, "augment", watched)
        finished(short(seed=seed), images)
        return epochs

    zero, one = orders(0), orders(1)
    assert all(sorted(epoch) == list(range(25)) for epoch in zero + one)
    assert len({tuple(epoch) for epoch in zero + one}) == 4
    assert orders(0) == zero


@pytest.mark.parametrize(("epoch", "rate"), [(0, 0.1), (79, 0.1), (80, 0.01), (119, 0.01), (120, 0.001), (159, 0.001)])
def test_learning_rate_drops_where_the_paper_drops_it(epoch, rate):
    assert math.isclose(learning_rate(cifar("paper", 0, depth=14), epoch), rate)


def test_a_run_that_diverges_ends_there_as_a_result():
    spec, images = short(trained="all", epochs=6, learning_rate=1e30), few_images()
    rows, _, state = finished(spec, images)
    assert state.diverged
    assert len(rows) < 6
    assert rows[-1]["train_loss"] is None
    assert 0 <= rows[-1]["test_top1"] <= 100


def test_accuracies_count_hits_among_the_best_one_and_five():
    spec, images = short(), few_images()
    net = prepare(spec, CPU)
    scores = evaluate(spec, net, images, images.test)
    logits = net.model.eval()(images.normalise(images.test.inputs))
    order = logits.argsort(1, descending=True)
    hits = order == images.test.labels[:, None]
    assert scores["top1"] == pytest.approx(100 * hits[:, 0].float().mean().item())
    assert scores["top5"] == pytest.approx(100 * hits[:, :5].any(1).float().mean().item())


def test_evaluation_uses_running_statistics_and_leaves_them_alone():
    spec, images = short(), few_images()
    net = prepare(spec, CPU)
    before = net.running.clone()
    evaluate(spec, net, images, images.test)
    assert torch.equal(net.running, before)


def test_bfloat16_trains_and_keeps_float32_parameters():
    spec, images = short(precision="bfloat16"), few_images()
    rows, net, _ = finished(spec, images)
    assert net.trained.dtype == torch.float32
    assert rows[-1]["train_loss"] is not None
    assert rows != finished(short(), images)[0]
