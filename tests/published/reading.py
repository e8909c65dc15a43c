"""Reading the published numbers, which stand once: in the data of `doseopt.verify`."""

import tomllib
from pathlib import Path

import numpy as np

import doseopt

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference"


def entries(kind):
    """The entries of one kind, each with what went in, `case`, `source` and what is `printed`."""
    return tomllib.loads((REFERENCE / "published.toml").read_text(encoding="utf-8"))[kind]


def assert_printed(found, text):
    """Compare numbers with what is printed, to half a unit of the last digit of each."""
    printed = text.split()
    half = [0.5000001 * 10.0 ** -len(number.partition(".")[2]) for number in printed]
    found = np.atleast_1d(found)
    assert len(found) == len(printed)
    assert (np.abs(found - np.array(printed, float)) <= half).all(), (found, text)
