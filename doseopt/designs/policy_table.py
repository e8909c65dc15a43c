"""The table of a policy: a code for every tally of a course, in memory or in a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from doseopt.core.files import write_whole
from doseopt.core.parameters import Fault, Faults
from doseopt.core.text import text_fault
from doseopt.designs.tallies import Course, Tallies, tallies_of

STOP, TOO_TOXIC, TREAT = 0, 1, 2
"""Moves: stop; stop because the lowest dose is too toxic; TREAT + j: the next cohort at dose j."""
FORMAT = "doseopt policy 1"
MOST_HEAD, MOST_LEVELS, MOST_PATIENTS, MOST_BYTES = 100_000, 254, 1000, 2_000_000_000
"""Of a policy's file: bytes that say what it is, doses and patients of its course; and bytes that the numbering may
take, where the codes themselves are fewer."""
type Codes = npt.NDArray[np.uint8 | np.uint16]


def code_type(doses: int) -> type[np.uint8 | np.uint16]:
    """Return what holds every code of that many doses: a byte for up to 14, two from 15 on, up to 254."""
    return np.uint8 if (doses + 1) * (doses + TREAT) <= 1 << 8 else np.uint16


def code(move: npt.ArrayLike, selected: npt.ArrayLike, doses: int) -> Codes:
    """Return a move, and the dose that would be selected now, as one small number."""
    return np.asarray(np.add(selected, 1) + (doses + 1) * np.asarray(move), code_type(doses))


@dataclass(frozen=True, eq=False)
class PolicyTable:
    """What to do after every tally of a course; equal where its contents are.

    Parameters
    ----------
    course : Course
    codes : uint8 or uint16 array [V, tallies]
        Of `code`, in the type of `code_type`, numbered as `Tallies` does. With one variant it holds whatever the last
        cohort showed. With one for each dose, variant j holds after a toxic cohort at dose j, the last one after any
        other.
    toxic : float, optional
        The DLT fraction of a cohort from which on it is toxic; stated if and only if there are variants.
    title : str
        What the policy is, in words.
    path : str
        The file it lies in, "" if in memory only.
    """

    course: Course
    codes: Codes
    toxic: float | None
    title: str
    path: str = ""

    @property
    def tallies(self) -> Tallies:
        """The numbering of the tallies."""
        return tallies_of(self.course)

    def _head(self) -> bytes:
        head = {"format": FORMAT, "course": asdict(self.course), "toxic": self.toxic, "title": self.title}
        return json.dumps(head, sort_keys=True).encode()

    @cached_property
    def digest(self) -> str:
        """Digest of everything the table says."""
        whole = hashlib.sha256(self._head() + b"\0")
        whole.update(np.ascontiguousarray(self.codes).data)
        return whole.hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicyTable) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"PolicyTable({self.title!r}, {self.codes.shape[1]:,} tallies, digest {self.digest})"

    def in_file(self) -> str:
        """Return how a study file names it, which lies in the same folder."""
        return f"{Path(self.path).name.removesuffix('.policy') or self.digest}.policy"

    def save(self, path: str | Path) -> Path:
        """Write the table to a file, whole or not at all; `load_policy` maps it back into memory."""

        def write(unfinished: Path) -> None:
            with unfinished.open("wb") as file:
                np.lib.format.write_array(file, np.frombuffer(self._head(), np.uint8), version=(1, 0))
                np.lib.format.write_array(file, np.ascontiguousarray(self.codes), version=(1, 0))

        return write_whole(Path(path), write)


def load_policy(path: str | Path) -> PolicyTable:
    """Read a policy's table; its codes stay in the file and are read where a trial needs them.

    Raises
    ------
    Faults
        If the file is none of `PolicyTable.save`, or is cut short.
    """
    wanted = "wanted a file that PolicyTable.save wrote"
    try:
        with Path(path).open("rb") as file:
            head = _read_head(file)
            if head["format"] != FORMAT:
                raise Faults([Fault("", f"{wanted} in {FORMAT!r}, got {head['format']!r}")], str(path))
            shape, dtype = _read_header(file)
            codes = np.memmap(path, dtype, "r", file.tell(), shape)
        table = _table_of(head, codes, str(path))
    except OSError as error:
        raise Faults([Fault("", f"cannot be read: {error.strerror or error}")], str(path)) from error
    except Faults:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Faults([Fault("", f"{wanted}: {error}")], str(path)) from error
    return table


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type of an array in a file."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not an array of version 1.0")
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except (SyntaxError, MemoryError, TokenError) as error:  # NumPy reads a header as Python reads a program
        raise ValueError("no header of an array") from error
    return shape, dtype


def _read_head(file: BinaryIO) -> Any:
    """Return what a file says of its codes; no more is read than that may be."""
    shape, dtype = _read_header(file)
    if len(shape) != 1 or not 0 < shape[0] <= MOST_HEAD or dtype != np.uint8:
        raise ValueError(f"its first array is {dtype} of shape {shape}")
    return json.loads(file.read(shape[0]))


def _table_of(head: Any, codes: Codes, path: str) -> PolicyTable:
    """Return a table whose numbers are what they can be; nothing is counted out before its course is known to be so."""
    course, toxic, title = Course(**head["course"]), head["toxic"], head["title"]
    numbers = {name: part for name, part in asdict(course).items() if name != "skips"}
    if (
        any(type(part) is not int or part < 1 for part in numbers.values())
        or not isinstance(course.skips, bool)
        or course.start > course.doses
        or not course.first_cohort <= course.patients <= MOST_PATIENTS
        or course.doses > min(course.most_doses, MOST_LEVELS)
    ):
        raise ValueError(f"a course of {course}")
    if not isinstance(title, str) or text_fault(title) or not (toxic is None or 0 <= toxic <= 1):
        raise ValueError(f"a title {title!r}, cohorts toxic from {toxic!r}")
    variants, wanted = 1 if toxic is None else course.doses, code_type(course.doses)
    if course.size(variants, np.dtype(wanted).itemsize) > MOST_BYTES + 100 * codes.nbytes:
        raise ValueError(f"{codes.shape} codes for a course of {course}")
    table = PolicyTable(course, codes, toxic, title, path)
    if codes.shape != (variants, table.tallies.size) or codes.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{codes.shape} codes for {table.tallies.size} tallies")
    if codes.dtype != wanted:
        message = f"made by a version whose policies of 15 doses and more are wrong, got {course.doses} doses"
        raise Faults([Fault("", f"{message}; make it anew")], path)
    if codes.max() >= (course.doses + 1) * (course.doses + TREAT):
        raise ValueError(f"a code of {codes.max()} with {course.doses} doses")
    return table
