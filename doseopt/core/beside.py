"""Work done beside: by a copy of this process, while this one goes on."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from multiprocessing.synchronize import Lock


ROOM = 1 << 20
"""Bytes of results that a copy sends before anybody waits for them: more keep it from its next work."""


class Beside:
    """How many processes may work, this one included: one, unless a command that owns its process allows more."""

    processes = 1
    copies: ClassVar[list[BaseProcess]] = []
    """Those begun that have not ended."""

    @classmethod
    def allow(cls) -> None:
        """Allow one for each processor, on a system where a process can be copied safely."""
        if sys.platform == "linux":
            cls.processes = len(os.sched_getaffinity(0))
            # what is loaded when the first copy is made is searched for garbage no more: that takes time, and copies it
            os.register_at_fork(before=functools.cache(gc.freeze))


def processes() -> int:
    """Return how many processes may work beside the copies that do, this one included.

    One where other threads run, which a copy would lack.
    """
    import multiprocessing  # which a command that works alone does not need

    if threading.active_count() > 1 or multiprocessing.current_process().daemon:
        return 1
    Beside.copies = [copy for copy in Beside.copies if copy.is_alive()]
    return max(Beside.processes - len(Beside.copies), 1)


def begun[T](work: Callable[[], T]) -> Callable[[], T]:
    """Begin some work beside, if there may be another process; return what waits for the result.

    Examples
    --------
    >>> wait = begun(lambda: 6 * 7)
    >>> wait()
    42
    """
    return in_turn([work])[0]


def in_turn[T](works: Sequence[Callable[[], T]], most: int | None = None) -> list[Callable[[], T]]:
    """Begin some work beside, one piece after the other in each process that there may be; return what waits for each.

    Where all processors have work it is begun when one piece is waited for. Who waits for what is still worked on does
    meanwhile what has not been begun, the last first: long pieces stand first. Work that failed there is done, and
    fails, here.

    Parameters
    ----------
    works : sequence of callable
        Their results can be pickled.
    most : int, optional
        Copies that share it, if there may be more.
    """
    shared = _Shared(works, len(works) if most is None else most)
    if processes() > 1:
        shared.begin(len(works))
    return [functools.partial(shared.wait, k) for k in range(len(works))]


class _Shared[T]:
    """Pieces of work, each done by the process that claims it; copies begin with the first, who waits with the last."""

    def __init__(self, works: Sequence[Callable[[], T]], most: int) -> None:
        self._works, self._most = works, most
        self._found: dict[int, T] = {}
        self._begun = False
        self._claims: list[Lock] = []
        """Who acquires one does the work; none where all is done here."""
        self._copies: list[BaseProcess] = []
        self._receivers: list[Connection] = []

    def begin(self, pieces: int) -> None:
        """Begin so many pieces at the most, each in a copy of this process, as far as there may be copies."""
        self._begun = True
        many = min(processes() - 1, self._most, pieces)
        if many < 1:
            return
        import multiprocessing

        context = multiprocessing.get_context("fork")
        self._claims = [context.Lock() for _ in self._works]
        for first in range(many):
            self._claims[first].acquire()
            receiver, sender = context.Pipe(duplex=False)
            order = first, *range(many, len(self._works))
            copy = context.Process(target=_send, args=(self._works, self._claims, order, sender), daemon=True)
            with warnings.catch_warnings():
                # the threads of BLAS are meant, which are idle, and which it starts anew in a copy
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                copy.start()
            sender.close()
            self._copies.append(copy)
            self._receivers.append(receiver)
        Beside.copies += self._copies

    def wait(self, k: int) -> T:
        """Return the result of a piece, done here if no copy has begun it."""
        if not self._begun:
            self.begin(len(self._works) - 1)
        mine = self._claim(k)
        while not mine and k not in self._found and self._receivers:
            if not self._receive(0) and not self._relieve():
                self._receive(None)
        if k not in self._found:
            self._do(k)
        while self._copies and len(self._found) == len(self._works):
            self._copies.pop().join()
        return self._found[k]

    def _claim(self, k: int) -> bool:
        return bool(self._claims) and self._claims[k].acquire(block=False)

    def _receive(self, seconds: float | None) -> bool:
        """Take what copies have sent; tell whether any had."""
        from multiprocessing.connection import wait

        ready = wait(self._receivers, seconds)
        for each in [each for each in self._receivers if each in ready]:
            try:
                self._found.update(each.recv())
            except EOFError:
                self._receivers.remove(each)
        return bool(ready)

    def _relieve(self) -> bool:
        """Do the last piece that is not begun, if there is one; what fails is left to who waits for it."""
        other = next((k for k in reversed(range(len(self._works))) if self._claim(k)), None)
        if other is not None:
            with contextlib.suppress(Exception):
                self._do(other)
        return other is not None

    def _do(self, k: int) -> None:
        """Do a piece that is claimed; an interrupt gives it back."""
        try:
            self._found[k] = self._works[k]()
        except KeyboardInterrupt:
            if self._claims:
                self._claims[k].release()
            raise


def spread[A, T](work: Callable[[A], T], items: Sequence[A]) -> list[T]:
    """Return the result of some work on each item, shared out between the processes that there may be.

    Examples
    --------
    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    many = max(1, min(processes(), len(items)))
    here, *rest = (functools.partial(_each, work, items[k::many]) for k in range(many))
    waits = in_turn(rest)
    found = [here(), *(wait() for wait in waits)]
    return [found[k % many][k // many] for k in range(len(items))]


def _each[A, T](work: Callable[[A], T], items: Sequence[A]) -> list[T]:
    return [work(item) for item in items]


def _send[T](
    works: Sequence[Callable[[], T]], claims: Sequence[Lock], order: Sequence[int], sender: Connection
) -> None:
    """Send the result of the first work, and of what has not been begun; an interrupt is for the process that waits."""
    import fcntl

    from doseopt.core.remembered import forget  # with it NumPy, of which short commands have no use

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        fcntl.fcntl(sender.fileno(), fcntl.F_SETPIPE_SZ, ROOM)
    for k in order:
        if k == order[0] or claims[k].acquire(block=False):
            with contextlib.suppress(Exception):  # what fails is left to who waits for it
                sender.send({k: works[k]()})
            forget()
