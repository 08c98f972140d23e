"""The search for a lottery ticket: a generator that yields one history row per retrain."""

from collections.abc import Callable, Iterator

from torch import Tensor

from repro.runs.streams import Purpose
from repro.runs.ticket_spec import Retrain, TicketSpec
from repro.training.data import Examples
from repro.training.loop import Row, train
from repro.training.pruning import mask_of
from repro.training.step import State
from repro.training.trainable import Trainable, mask_name, prepare


def search(
    spec: TicketSpec, net: Trainable, examples: Examples, state: State, pause: Callable[[State], bool]
) -> Iterator[Row]:
    """Trains on from ``state``, which it advances; yields after each retrain, and returns early if told to pause.

    Each retrain is one row of ``loop.train``. Pauses and what they may save are as there.
    """
    mask, device = net.mask, net.trained.device
    assert mask is not None
    start, other = (prepare(spec, device, purpose).trained for purpose in (Purpose.WEIGHTS, Purpose.NEW_WEIGHTS))
    if (state.row, state.step) == (0, 0):
        mask.copy_(mask_of(spec, net, spec.sequence[0].level, start))

    def asked(within: State) -> bool:
        state.step = within.step
        return pause(state)

    while state.row < spec.rows and not state.diverged:
        retrain = spec.sequence[state.row]
        if state.step == 0:  # it begins, perhaps again: nothing of it was trained
            net.trained.copy_((other if retrain.test == "new weights" else start) * mask)
            for slot in state.slots.values():
                slot.zero_()
        within = State(row=0, step=state.step, slots=state.slots, sums=state.sums, diverged=False)
        for row in train(retrain.training, net, examples.of(retrain.test), within, asked):
            state.row, state.step, state.diverged = state.row + 1, 0, within.diverged
            del row[retrain.training.row_name]
            found = {"retrain": state.row, "pruned": int((mask == 0).sum()), "moved": moved(net.trained, mask)}
            _keep(spec, net, retrain, mask)
            if state.row < spec.rows:
                mask.copy_(_next_mask(spec, net, spec.sequence[state.row]))
            yield {**row, **found}
        if not within.row:
            return


def moved(weights: Tensor, mask: Tensor) -> int:
    """How many pruned weights are not 0."""
    return int(((mask == 0) & (weights != 0)).sum())


def _keep(spec: TicketSpec, net: Trainable, retrain: Retrain, mask: Tensor) -> None:
    if retrain.label in spec.keeps:
        net.kept[retrain.label].copy_(net.trained)
    if not retrain.test and retrain.level in spec.kept:
        net.kept[mask_name(retrain.label)].copy_(mask)


def _next_mask(spec: TicketSpec, net: Trainable, retrain: Retrain) -> Tensor:
    if retrain.test:
        return net.kept[mask_name(f"retrain {retrain.level}")]
    return mask_of(spec, net, retrain.level, net.trained)
