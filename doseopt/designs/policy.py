"""A design that is a table: what to do after every tally, found elsewhere (a Bayes-optimal policy, say)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from doseopt.core.design import Facts, Row
from doseopt.core.files import write_whole
from doseopt.core.parameters import MOST_DOSES, Fault, Faults, param
from doseopt.core.state import CONTINUE, NONE, Decision, IntArray, TrialState
from doseopt.core.text import text_fault
from doseopt.designs.defaults import Defaults
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


def _table_fault(value: Any) -> str | None:
    return None if isinstance(value, PolicyTable) else f"wanted the file of a policy's table, got {value!r}"


@dataclass(frozen=True)
class Policy(Defaults):
    """A design that looks every decision up in a table.

    Parameters
    ----------
    doses : int
    target : float
    table : PolicyTable
        In a study file, the name of a file of `PolicyTable.save`, sought beside it.
    digest : str, optional
        Of the table; a table with another one is refused.

    Raises
    ------
    Faults
        If the table is of other doses or has another digest; later, when a trial reaches a tally that it does not have.

    Notes
    -----
    Names: "optimal policy", "look-up table". The table is made by `doseopt.bayes_optimal`; here it is only read.

    References
    ----------
    Bartroff J, Lai TL (2010), Statistical Science 25:245.

    Examples
    --------
    The best that two patients can decide between two truths.

    >>> from doseopt import Belief, MTDRule, Rules, bayes_optimal, make_scenarios
    >>> belief = Belief(make_scenarios([[0.1, 0.25], [0.25, 0.6]]))
    >>> policy = bayes_optimal(belief, MTDRule(target=0.25), Rules(patients=2)).design
    >>> type(policy).__name__, policy.facts.cap
    ('Policy', 2)
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    table: PolicyTable = param(kind=PolicyTable, custom=_table_fault, file=load_policy, doc="a policy's file")
    digest: str | None = param(None, kind=str, optional=True, doc="digest of the table")

    def __post_init__(self) -> None:
        """Check the parameters, and note the digest."""
        super().__post_init__()
        object.__setattr__(self, "digest", self.table.digest)

    def _faults(self) -> list[Fault]:
        if not isinstance(self.table, PolicyTable):
            return []
        found = []
        if self.table.course.doses != self.doses:
            message = f"wanted the policy of a study of {self.doses} doses, got one of {self.table.course.doses}"
            found.append(Fault("table", message))
        if self.digest is not None and self.digest != self.table.digest:
            found.append(Fault("digest", f"wanted that of the table, {self.table.digest}, got {self.digest}"))
        return found

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it: up after no DLT, down or stop after one."""
        course = Course(doses=2, patients=5, cohort=2, first_cohort=1, start=1, skips=False)
        table = tallies_of(course)
        codes = np.zeros((2, table.size), code_type(2))
        for stage, patients in enumerate(course.totals):
            for a in table.splits(stage):
                low, high = (table.lower, table.lower.rows(a)), (table.upper, table.upper.rows(patients - a))
                (n0, y0), (n1, y1) = ((part.n[rows, 0], part.y[rows, 0]) for part, rows in (low, high))
                safe = (2 * y0 < n0)[:, None]
                chosen = np.where(safe, np.where((n1 > 0) & (2 * y1 < n1), 1, 0), NONE)
                on = stage < len(course.totals) - 1
                up, stay = (np.where(safe, TREAT + j if on else STOP, TOO_TOXIC) for j in (1, 0))
                codes[1, table.matrix(stage, a)] = code(up, chosen, 2).ravel()
                codes[0, table.matrix(stage, a)] = code(stay, chosen, 2).ravel()
        return cls(2, 0.3, PolicyTable(course, codes, 0.3, "up unless the last cohort was toxic"))

    @property
    def facts(self) -> Facts:
        """Kept: whether the last cohort was toxic, if that matters."""
        return dataclasses.replace(
            super().facts,
            memory=() if self.table.toxic is None else ("toxic_cohort",),
            stops=("complete", "too_toxic"),
            ends=True,
            cap=self.table.course.patients,
            skips=self.table.course.skips,
            sizes_own_cohorts=True,
        )

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Keep whether this cohort was toxic."""
        if self.table.toxic is None:
            return np.zeros((len(before), 0), np.int64)
        return np.asarray(outcome[:, :1] / outcome.sum(axis=1, keepdims=True) >= self.table.toxic, np.int64)

    def first(self) -> Decision:
        """Return the first cohort."""
        dose, size = self.table.course.start - 1, self.table.course.first_cohort
        return Decision(*(np.array([part], np.int64) for part in (dose, size, CONTINUE)))

    def _looked_up(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return moves and selections, [S] each."""
        place = self.table.tallies.number(state.n, state.y)
        variant = np.zeros(len(state), np.int64)
        if self.table.toxic is not None:
            variant = np.where(state.memory[:, 0] == 1, state.dose, self.doses - 1)
        move, selected = np.divmod(self.table.codes[variant, place].astype(np.int64), self.doses + 1)
        return move, selected - 1

    def decide(self, state: TrialState) -> Decision:
        """Look the next cohort up."""
        move, _ = self._looked_up(state)
        course = self.table.course
        stage = np.searchsorted(course.totals, state.total)
        size = np.array([*course.sizes[1:], 1])[stage]
        dose = np.where(move >= TREAT, move - TREAT, np.maximum(state.dose, 0))
        return Decision(dose, size, np.where(move >= TREAT, CONTINUE, move + 1))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Look the MTD up."""
        return self._looked_up(state)[1]

    def describe(self) -> list[Row]:
        """Say what the policy is, and its course."""
        course = self.table.course
        sizes = (
            f"{course.first_cohort}, then {course.cohort}" if course.first_cohort != course.cohort else course.cohort
        )
        return [
            Row("policy", self.table.title, f"table of {self.table.tallies.size:,} tallies, digest {self.digest}"),
            Row("cohorts", f"{sizes} patients, from level {course.start}, at most {course.patients}"),
            Row("MTD", "looked up in the table, with the decision"),
        ]
