"""Re-check certificates where nothing but Python and python-flint is installed: `python -m proofs_check.kernel FILE...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .files import Unreadable, recheck


def main() -> int:
    """0 when every certificate is accepted, 1 when one is rejected, 2 when a file holds none."""
    given = argparse.ArgumentParser(
        prog="python -m proofs_check.kernel", description="Re-check certificates, and say in words what each establishes."
    )
    given.add_argument("files", nargs="+", type=Path)
    given.add_argument("--brief", action="store_true", help="one line for each certificate, without its statement")
    asked = given.parse_args()
    try:
        return 0 if recheck(asked.files, print, brief=asked.brief) else 1
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
