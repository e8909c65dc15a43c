"""A process of a session: it computes, within a budget of memory and processor time, and all it knows dies with it."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from doseopt.core.parameters import Fault, Faults, check, param

type Tell = Callable[[str], Awaitable[None]]
"""Told of progress."""
MOST_WAITING = 64
"""Processes that are waited for at a time."""
PRELOADED = (
    "doseopt.app.desk",
    "doseopt.comparison.compare",
    "doseopt.reports.amendment",
    "doseopt.attainable.attained",
)
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


@dataclass(frozen=True)
class Limits:
    """What each process of a session may use.

    Parameters
    ----------
    states : int
        Of the graph of one design.
    megabytes : int
        Of memory, beyond what the program itself takes.
    seconds : int
        Of processor time.
    budget : int
        Bytes that the exact calculation of one design may take, no more than there are.
    """

    states: int = param(1_000_000, low=1, doc="states of the graph of a design")
    megabytes: int = param(2_000, low=100, doc="megabytes of memory of a process")
    seconds: int = param(900, low=1, doc="seconds of processor time of a process")
    budget: int = param(2_000_000_000, low=1, doc="bytes of the exact calculation of a design")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)


class Ended(Exception):
    """A process has ended before it answered."""


@cache
def _context() -> Any:
    """Return how processes are started: from one that has the package in its memory already, where that is possible."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context: Any = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(list(PRELOADED))
    return context


def warm() -> None:
    """Start the process that others are made from, so that the first page need not wait for it."""
    if METHOD == "forkserver":
        from multiprocessing import forkserver

        _context()
        forkserver.ensure_running()


class Worker:
    """A process that answers one question after the other.

    Parameters
    ----------
    limits : Limits
    own : (str, str), optional
        Text and path of the study that the server was started with; see `Desk`.
    seconds : int, optional
        Of processor time, if fewer than the limits say.

    Attributes
    ----------
    told : dict
        What it was asked last, by verb.
    used : float
        Seconds of processor time, and of waiting where it ended before it answered.
    """

    def __init__(self, limits: Limits, own: tuple[str, str] | None = None, seconds: int | None = None) -> None:
        limits = limits if seconds is None else replace(limits, seconds=seconds)
        self._here, there = _context().Pipe()
        self._process = _context().Process(target=_answer, args=(there, limits, own), daemon=True)
        self._process.start()
        there.close()
        self._turn = asyncio.Lock()
        self._cancelled = False
        self._asked: float | None = None
        self._spent = 0.0
        self.told: dict[str, Any] = {}

    async def ask(self, verb: str, given: dict[str, Any], tell: Tell | None = None) -> Any:
        """Return what a verb of `VERBS` answers, told of its progress; Faults and Ended are raised."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            self._asked, self.told[verb] = time.monotonic(), given
            try:
                self._here.send((verb, given))
                while True:
                    kind, said, spent = await loop.run_in_executor(_waiting(), self._here.recv)
                    if kind == "progress":
                        await tell(said) if tell else None
                        continue
                    self._asked, self._spent = None, spent
                    if kind == "faults":
                        raise Faults([Fault(*each) for each in said[0]], said[1])
                    return said
            except (EOFError, OSError):
                raise Ended(self._why()) from None

    @property
    def used(self) -> float:
        """Seconds of processor time, those of waiting for an answer that never came included."""
        return self._spent + (0.0 if self._asked is None else time.monotonic() - self._asked)

    def _why(self) -> str:
        """Say why the process has ended."""
        self._process.join(timeout=5)
        if self._cancelled:
            return "cancelled"
        if self._process.exitcode == -getattr(signal, "SIGXCPU", 0):
            return "the processor time of this session is used up: load the page anew, and ask for less"
        return (
            "the calculation was ended by the system, for want of memory perhaps: load the page anew, and ask for less"
        )

    def end(self) -> None:
        """End the process; who waits for an answer is told."""
        self._cancelled = True
        with contextlib.suppress(AttributeError, ValueError):
            self._process.kill()
            self._process.join(timeout=5)


def _answer(pipe: Connection, limits: Limits, own: tuple[str, str] | None) -> None:
    """Answer questions until nobody asks any more."""
    from doseopt.app.desk import Desk
    from doseopt.engines.budget import within

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the server's, who ends this process
    _limit(limits)
    desk = Desk(limits.states, own)

    def say(kind: str, what: Any) -> None:
        pipe.send((kind, what, time.process_time()))

    while True:
        try:
            verb, given = pipe.recv()
        except (EOFError, OSError):
            return
        with within(min(limits.budget, 1_000_000 * limits.megabytes)):
            say(*_one(desk, verb, given, lambda text: say("progress", text)))


def _one(desk: Any, verb: str, given: dict[str, Any], tell: Callable[[str], None]) -> tuple[str, Any]:
    """Return the answer to one question, or its faults."""
    from doseopt.app.verbs import VERBS
    from doseopt.engines.budget import TooManyStates

    try:
        return "answer", VERBS[verb](desk, given, tell)
    except Faults as faults:
        return "faults", ([(each.where, each.message) for each in faults.faults], faults.title)
    except TooManyStates as error:
        return "faults", ([("", str(error))], "")
    except MemoryError:
        more = "the memory of this session does not suffice: fewer patients or doses, or larger cohorts"
        return "faults", ([("", more)], "")
    except Exception as error:  # where, for who runs the server; no word of the data
        print("".join(traceback.format_tb(error.__traceback__)), type(error).__name__, file=sys.stderr, flush=True)
        return "faults", ([("", f"doseopt itself failed here ({type(error).__name__}): please report it")], "")


@cache
def _waiting() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_WAITING, "doseopt-waiting")


def _limit(limits: Limits) -> None:
    """Hold this process to its budget, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + limits.megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
