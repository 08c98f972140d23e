"""The exit code of ``python -m repro.cli``."""

import sys

from repro.cli.main import main

sys.exit(main())
