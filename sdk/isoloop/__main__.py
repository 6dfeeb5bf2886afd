"""`python -m isoloop` is the `isoloop` command."""

import sys

from isoloop.cli import main

sys.exit(main())
