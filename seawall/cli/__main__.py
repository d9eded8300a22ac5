"""``python -m seawall.cli``."""

import sys

from seawall.cli.app import main

sys.exit(main())
