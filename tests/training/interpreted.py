"""Triton as an interpreter, so that kernels run on a CPU; import this before anything that imports Triton."""

import os
import sys

import pytest

pytest.importorskip("torch")
if "triton" not in sys.modules:
    os.environ["TRITON_INTERPRET"] = "1"
triton = pytest.importorskip("triton", reason="Triton is on Linux alone")
assert triton.knobs.runtime.interpret, "Triton was imported before, to compile"
