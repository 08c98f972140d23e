"""The step on fake tensors of a GPU that is not there: shapes, layouts and torch's choice of kernels for "cuda".

As a program, it records steps with their backward passes, for which torch asks the driver for a device: it is started
with a library before torch's that counts 127 devices while told to, and with a driver that knows one question.
"""

import ctypes
import dataclasses
import json
import os
import sys
from collections import Counter
from contextlib import contextmanager
from unittest import mock

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from repro.training.data import Split, batches
from repro.training.step import start, static
from repro.training.trainable import _flatten, _flatten_running, prepare
from tests.training.capture import recorded
from tests.training.test_step import CPU, images, short

CUDA = torch.device("cuda", 0)
SETS = (("batchnorm", 0), ("all", 0), ("random", 2), ("shortcut", 0))
# Compiled by the test: what torch calls to count devices, and the driver's answer whether a device is in use.
COUNT = "static signed char n; signed char _ZN3c104cuda12device_countEv(void) {return n;} void pretend(int v) {n = v;}"
DRIVER = "int cuDevicePrimaryCtxGetState(int d, unsigned *f, int *a) {*f = 0; *a = 0; return 0;}"


def there(tensor):
    """A fake tensor on the GPU that lies in memory as one on the CPU does."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CUDA)


@contextmanager
def made(spec):
    """A network, its step on fixed memory, an index for a whole and one for a short batch; in a fake mode."""
    net, examples = prepare(spec, CPU), images()  # whose values a fake mode would refuse
    with FakeTensorMode():
        split = Split(inputs=there(examples.train.inputs), labels=there(examples.train.labels))
        examples = dataclasses.replace(examples, train=split)
        for module in net.model.modules():
            for name, one in module._parameters.items():
                if one is not None:
                    module._parameters[name] = nn.Parameter(there(one), requires_grad=one.requires_grad)
            for name, one in module._buffers.items():
                if one is not None:
                    module._buffers[name] = there(one)
        trained, running = _flatten(net.model, net.names), _flatten_running(net.model)
        net = dataclasses.replace(net, trained=trained, running=running)
        row, state = batches(spec, examples, 0), start(spec, net)
        net.model.train()
        rate = torch.full((), spec.learning_rate, device=CUDA)
        step = static(spec, net, state, row.gather, row.gather.tables, rate)
        yield net, step, row.gather.index(0), row.gather.index(row.count - 1)


def calls_of(spec):
    """What a recorded step calls, for a whole and for a short batch, by name."""
    with made(spec) as (_, step, whole, last):
        step(whole)  # what is made once is made before
        with recorded() as calls:
            step(whole)
        with recorded() as of_last:
            step(last)
    # Where a tensor lies is asked for as often as fake tensors have to work out what comes of an operation.
    return [Counter(name for name, _ in some if name.startswith("aten.")) for some in (calls, of_last)]


def _main(library):
    pretend, grad = ctypes.CDLL(library).pretend, torch.autograd.grad

    def counted(*args, **kwargs):
        pretend(127)
        try:
            return grad(*args, **kwargs)
        finally:
            pretend(0)

    with mock.patch("torch.autograd.grad", counted):
        found = {f"{trained}-{k}": calls_of(short(trained, k, depth=14)) for trained, k in SETS}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)  # torch's thread for the pretended device cannot always be joined
