"""`python -m frdm` is `frdm`."""

import sys

from frdm.cli import main

sys.exit(main())
