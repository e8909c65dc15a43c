"""Compare the numbers of two folders of results: `python3 run.py python benchmarks/same_numbers.py OLD NEW`.

Every netCDF and JSON file that both folders have is read, in all its groups. Numbers may differ by `--within` (1e-12),
nan is nan, texts are the same. What only one of them has is listed. Exit status 1 if anything differs.

    doseopt compare library --out old      # with one version, then --out new with another
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

ABOUT = {"version", "seconds", "command", "versions", "format", "study_hash", "hash"}
"""What may differ: it says which version wrote the file, and when."""


def values(path: Path) -> dict[str, Any]:
    """Return every number and text of a file by its place."""
    if path.suffix == ".nc":
        with xr.open_datatree(path) as tree:
            return {
                f"{node.path}/{name}{place}": value
                for node in tree.subtree
                for name, array in node.to_dataset(inherit=False).variables.items()
                for place, value in [("", array.to_numpy())]
            }
    return dict(_leaves(json.loads(path.read_text(encoding="utf-8"))))


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ABOUT:
                yield from _leaves(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{k}]")
    else:
        yield place, np.asarray(value)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far two arrays are apart; infinite if they are of another shape or kind, or texts that differ."""
    if one.shape != other.shape:
        return np.inf
    if one.dtype.kind in "fiub" and other.dtype.kind in "fiub":
        a, b = one.astype(float), other.astype(float)
        if not np.array_equal(np.isnan(a), np.isnan(b)):
            return np.inf
        same = (a == b) | np.isnan(a)
        off = np.abs(np.subtract(a, b, where=~same, out=np.zeros_like(a)))
        return float(off.max(initial=0.0))
    return 0.0 if np.array_equal(one.astype(str), other.astype(str)) else np.inf


def main() -> int:
    """Compare, print the largest differences, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--within", type=float, default=1e-12)
    given = parser.parse_args()
    files = [
        {p.relative_to(root) for p in root.rglob("*") if p.suffix in (".nc", ".json")}
        for root in (given.old, given.new)
    ]
    worst, count, different = 0.0, 0, [f"only in one folder: {name}" for name in sorted(map(str, files[0] ^ files[1]))]
    for name in sorted(files[0] & files[1]):
        old, new = values(given.old / name), values(given.new / name)
        different += [f"{name}: only in one: {place}" for place in sorted(old.keys() ^ new.keys())]
        for place in sorted(old.keys() & new.keys()):
            off = apart(old[place], new[place])
            count, worst = count + old[place].size, max(worst, off if np.isfinite(off) else worst)
            if off > given.within:
                different.append(f"{name}: {place}: apart by {off:.3g}")
    print("\n".join(different))
    both = len(files[0] & files[1])
    print(f"{both} files, {count} values: {len(different)} differences; largest {worst:.3g}, {given.within:g} allowed")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
