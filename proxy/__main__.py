"""`python -m proxy` is `dvc-edge`."""

import sys

from proxy.cli import main

sys.exit(main())
