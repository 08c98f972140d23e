"""Random generators made from (seed, purpose, index): nothing else in the training path is random."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for. The values enter every result: append, never renumber."""

    WEIGHTS = 0  # index: position of the tensor in the network
    NORM = 1  # index: position of the BatchNorm layer in the network
    POSITIONS = 2  # which k weights of a channel are trained; index: position of the convolution
    ORDER = 3  # index: epoch
    AUGMENTATION = 4  # index: epoch; of images in files, also which of them
    LABELS = 5  # the permutation of shuffled labels; index 0
    NOISE = 6  # which labels are drawn again, and as what; index 0
    EXAMPLES = 7  # of a data set that each seed draws anew; index 0
    TIES = 8  # which of equally good splits of a tree is taken; index: round
    NEW_WEIGHTS = 9  # another start of the same seed; index as of WEIGHTS
    MASK = 10  # random scores of the weights to prune; index: level of sparsity


def stream(seed: int, purpose: Purpose, index: int = 0, *more: int) -> np.random.Generator:
    """An independent PCG64 generator for one purpose of one seed, the same on every device."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, purpose, index, *more)))


def seed_sequence(seed: int, purpose: Purpose, index: int = 0, *more: int) -> np.random.SeedSequence:
    """The seed of such a stream, for another generator than numpy's newest."""
    return np.random.SeedSequence([seed, int(purpose), index, *more])
