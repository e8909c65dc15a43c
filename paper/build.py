#!/usr/bin/env python3
"""Build the manuscript: results, figures, PDF.

    python paper/build.py              all exact results recomputed, recorded ones checked against their digests
    python paper/build.py --full       calibrations and simulation-based calibration recomputed and recorded first
    python paper/build.py --reduced    few scenarios and small trials, for the tests; needs --out

Results go to results/, figures to figures/ and the PDF to build/, in paper/ or in the folder given by --out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

PAPER = Path(__file__).resolve().parent


def main() -> int:
    """Build what is asked for; exit status 2 if a record is stale."""
    sys.path.insert(0, str(PAPER.parent))
    from paper.making import build
    from paper.store import StaleRecord

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--full", action="store_true", help="recompute and record calibrations first")
    parser.add_argument("--reduced", action="store_true", help="few scenarios and small trials; needs --out")
    parser.add_argument("--out", type=Path, help="folder for results, figures and PDF; paper/ if left out")
    given = parser.parse_args()
    if given.reduced and (given.out is None or given.full):
        parser.error("--reduced needs --out and excludes --full")
    try:
        print(build(given.out or PAPER, given.reduced, given.full))
    except StaleRecord as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
