"""Modules that are imported when they are first used, though others name them: half the time of importing scipy."""

import importlib.util
import sys

# scipy.special takes in every public name of numpy, and with it these packages, which no plan uses.
UNUSED = ("char", "ctypeslib", "f2py", "ma", "polynomial", "rec", "testing")


def postpone() -> None:
    """Postpones the imports of UNUSED, with the standard library's LazyLoader; those already imported stay as they are.

    For a process that plans and ends: up to Python 3.12, two threads must not use such a module for the first time at
    once.
    """
    import numpy as np

    for name in UNUSED:
        full = f"numpy.{name}"
        spec = None if full in sys.modules else importlib.util.find_spec(full)
        if spec is None or spec.loader is None:
            continue
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        setattr(np, name, module)  # as an import does
        spec.loader.exec_module(module)
