"""scipy.special, of which a plan needs compiled functions alone; the rest is imported when one of its names is used."""

import importlib
import importlib.util
import sys
from typing import Any

SPECIAL = "scipy.special"


def postpone() -> None:
    """Imports the compiled functions of scipy.special alone, in a tenth of the time, unless all of it is there already.

    They are the functions that the package itself takes from there; any other name imports the rest of it.

    For a process that plans and ends: no two threads may be the first to use another name at once.
    """
    spec = None if SPECIAL in sys.modules else importlib.util.find_spec(SPECIAL)
    if spec is None or spec.loader is None:
        return
    loader, package = spec.loader, importlib.util.module_from_spec(spec)

    def rest(name: str) -> Any:
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, name)

    sys.modules[SPECIAL] = package
    try:
        compiled = importlib.import_module(f"{SPECIAL}._ufuncs")
    except ImportError:  # another scipy has them elsewhere, and is imported whole
        del sys.modules[SPECIAL]
        return
    functions = {name: value for name, value in vars(compiled).items() if not name.startswith("_")}
    package.__dict__.update(functions, __getattr__=rest)
