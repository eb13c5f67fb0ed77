"""`python -m pv`, for machines where `pv` is Pipe Viewer."""

import sys

from pv.cli import main

if __name__ == "__main__":
    sys.exit(main())
