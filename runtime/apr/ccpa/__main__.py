"""`python -m apr.ccpa`."""

import sys

from apr.ccpa.cli import main

sys.exit(main())
