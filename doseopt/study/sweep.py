"""Sweeps: many independent cells, on any executor, each kept when it is finished, so that a sweep can be resumed.

Locally the executor is `processes`; on a cluster it is that of a Dask client, ``Client(cluster).get_executor()``.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

import doseopt
from doseopt.core.files import sweep_unfinished, write_whole
from doseopt.core.parameters import Fault, Faults
from doseopt.engines.budget import MAX_BYTES, allowed, within
from doseopt.study.study import Study

type Result = dict[str, npt.NDArray[Any]]

DIGEST = hashlib.sha256().digest_size
"""Bytes at the start of a kept file."""
SHOWN = 10
"""Failed cells that an error names."""


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def seed_of(*identity: str | float) -> int:
    """Return a seed in [0, 2^63) that depends on what is drawn for, and not on when.

    Parameters
    ----------
    *identity : str or float
        E.g. a stated base seed, a purpose and the parameters of a cell.
    """
    return int(_digest(*identity)[:16], 16) >> 1


@dataclass(frozen=True)
class Cell:
    """One independent piece of a sweep.

    Parameters
    ----------
    name : str
        Different for each cell of a sweep.
    function : callable
        ``function(study, **parameters)`` returns a mapping of str to array. Pure, and importable by its name, because
        it may run in another process.
    study : Study
    parameters : mapping of str to any
        What JSON can hold: numbers, texts, lists, mappings. A cell that draws random numbers gets its seed here
        (`seed_of`).

    Notes
    -----
    Its linear algebra runs in one thread, wherever the cell does: the last bits of a sum may depend on their number.
    """

    name: str
    function: Callable[..., Mapping[str, npt.ArrayLike]]
    study: Study
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Digest of what the cell is: function, parameters, study and version of doseopt; not its name.

        And the bytes that a design may take, if others than usual: what exceeds them may be simulated.
        """
        function = f"{self.function.__module__}.{self.function.__qualname__}"
        budget = [] if allowed() == MAX_BYTES else [allowed()]
        return _digest(function, dict(self.parameters), self.study.hash, doseopt.__version__, *budget)[:32]


class SweepFailed(RuntimeError):
    """Some cells of a sweep failed; all others were computed and kept.

    Attributes
    ----------
    failures : dict of str to str
        Traceback by the name of the cell.
    """

    def __init__(self, failures: Mapping[str, str], cells: int, folder: Path) -> None:
        self.failures = dict(failures)
        last = [f"  {name}: {text.strip().splitlines()[-1]}" for name, text in failures.items()]
        more = [f"  and {len(last) - SHOWN} more"] if len(last) > SHOWN else []
        what = (
            f"{len(last)} of {cells} cells failed; what was finished is kept in {folder}, the next run goes on there:"
        )
        first = next(iter(failures.values())).strip()
        super().__init__("\n".join([what, *last[:SHOWN], *more, "the first failed with", first]))


def processes(workers: int) -> ProcessPoolExecutor:
    """Return local processes, started afresh; they leave Ctrl-C to this one, and end with it however it ends."""
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin)


def _begin() -> None:
    """Set up a process of `processes`: one whose parent was killed would wait for ever to hand over its result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def as_finished[T, R](
    function: Callable[[T], R], items: Sequence[T], executor: Executor | None
) -> Iterator[tuple[int, Future[R]]]:
    """Apply a function to items, and give each one's place and its future when it is finished.

    Parameters
    ----------
    function : callable
    items : sequence
    executor : concurrent.futures.Executor or None
        None: in this process, in order, one when it is asked for.

    Notes
    -----
    When the iteration ends early, by an interrupt too, what has not begun is cancelled. A design may take as many bytes
    there as here (`doseopt.engines.budget.within`), on any executor.
    """
    if executor is None:
        yield from ((k, _now(function, item)) for k, item in enumerate(items))
        return
    place = {executor.submit(_within, allowed(), function, item): k for k, item in enumerate(items)}
    try:
        for future in as_completed(place):
            yield place[future], future
    finally:
        for future in place:
            future.cancel()


def _within[T, R](max_bytes: int, function: Callable[[T], R], item: T) -> R:
    with within(max_bytes):
        return function(item)


def _now[T, R](function: Callable[[T], R], item: T) -> Future[R]:
    future: Future[R] = Future()
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)
    return future


def sweep(
    cells: Sequence[Cell], folder: str | Path, executor: Executor | None = None, progress: bool = False
) -> dict[str, Result]:
    """Compute the cells that were not computed before.

    Parameters
    ----------
    cells : sequence of Cell
    folder : path
        Where each cell is kept as soon as it is finished; made if it is not there. A kept cell is read, not computed;
        one whose file is damaged is computed again. Only this process reads and writes there.
    executor : concurrent.futures.Executor, optional
        This process when left out. The results do not depend on it.
    progress : bool
        Show on standard error what is left.

    Returns
    -------
    dict of str to (dict of str to array)
        By the cells' names, in their order.

    Raises
    ------
    Faults
        If two cells have the same name or are the same.
    SweepFailed
        When all others are finished, if some failed.
    """
    folder = Path(folder)
    paths = dict(zip([cell.name for cell in cells], [folder / f"{key}.cell" for key in _keys(cells)], strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    sweep_unfinished(folder)
    found = {name: kept for name, path in paths.items() if (kept := _read(path)) is not None}
    left = [cell for cell in cells if cell.name not in found]
    failures: dict[str, str] = {}
    with _bar(len(cells), len(found), progress) as advance:
        for k, future in as_finished(_computed, left, executor):
            name = left[k].name
            try:
                content, failure = future.result()
            except Exception as error:  # the executor's own, e.g. of a worker that was killed
                content, failure = b"", f"{type(error).__name__}: {error}"
            if failure:
                failures[name] = failure
            else:
                _keep(paths[name], content)
                found[name] = _result(content)
            advance(name)
    if failures:
        raise SweepFailed(failures, len(cells), folder)
    return {cell.name: found[cell.name] for cell in cells}


def _keys(cells: Sequence[Cell]) -> list[str]:
    """Return the cells' keys, or say which cells cannot be told apart."""
    keys = [cell.key for cell in cells]
    first: dict[str, str] = {}
    faults = []
    for cell, key in zip(cells, keys, strict=True):
        for what in (f"name {cell.name}", f"key {key}"):
            if what in first:
                faults.append(Fault(cell.name, f"wanted cells that differ, got the same {what} as {first[what]}"))
            first.setdefault(what, cell.name)
    if faults:
        raise Faults(faults, "sweep")
    return keys


def _computed(cell: Cell) -> tuple[bytes, str]:
    """Return the result of a cell as its file holds it, or how it failed: not every exception survives the way back."""
    try:
        with threadpool_limits(1, "blas"):
            result = cell.function(cell.study, **cell.parameters)
        arrays = {name: np.asarray(value) for name, value in result.items()}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
    except Exception:
        return b"", traceback.format_exc()
    return buffer.getvalue(), ""


def _result(content: bytes) -> Result:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _seal(path: Path, content: bytes) -> bytes:
    """Return the digest of a content in its place: a file that was renamed is as good as damaged."""
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()


def _keep(path: Path, content: bytes) -> None:
    write_whole(path, lambda unfinished: unfinished.write_bytes(_seal(path, content) + content))


def _read(path: Path) -> Result | None:
    """Return a kept result, None if there is none that can be trusted."""
    if not path.is_file():
        return None
    whole = path.read_bytes()
    content = whole[DIGEST:]
    return _result(content) if whole[:DIGEST] == _seal(path, content) else None


@contextmanager
def _bar(total: int, done: int, shown: bool) -> Iterator[Callable[[str], object]]:
    """Show a bar on standard error; it is told the name of each cell that is finished."""
    if not shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda name: bar.update(task, advance=1, description=name)
