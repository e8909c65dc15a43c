"""The public standard, written out: `python3 run.py python benchmarks/exact_oc.py` writes exact-oc.csv beside it.

The table is rebuilt to the last byte; `--out FILE` writes another. What the columns mean: exact-oc.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from doseopt.core.files import write_whole
from doseopt.verify.standard import ANSWERS, COLUMNS, table

TABLE = Path(__file__).with_name("exact-oc.csv")
DECIMALS = 12


def text_of(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table as CSV, answers with `DECIMALS` decimals, nothing where there is no answer."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _printed(column, value) for column, value in row.items()})
    return out.getvalue()


def _printed(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in ANSWERS:
        return f"{abs(value) if abs(value) < 10.0**-DECIMALS else value:.{DECIMALS}f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def main(given: Sequence[str] | None = None) -> int:
    """Compute and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=TABLE, help="file; exact-oc.csv beside this one if left out")
    out: Path = parser.parse_args(given).out
    text = text_of(table(lambda name: print(name, file=sys.stderr, flush=True)))
    write_whole(out, lambda path: path.write_text(text, encoding="utf-8"))
    print(f"{text.count(chr(10)) - 1:,} rows in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
