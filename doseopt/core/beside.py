"""Work done beside: by a copy of this process, while this one goes on."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
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


def in_turn[T](works: Sequence[Callable[[], T]]) -> list[Callable[[], T]]:
    """Begin some work beside, one piece after the other in each process that there may be; return what waits for each.

    Where all processors have work it is begun when one piece is waited for. Who waits for what is still worked on does
    meanwhile what has not been begun, the last first. Work that failed there is done, and fails, here.

    Parameters
    ----------
    works : sequence of callable
        Their results can be pickled.
    """
    now = processes() > 1
    waits = functools.cache(lambda: _shared_out(works, len(works) if now else len(works) - 1))
    if now:
        waits()
    return [functools.partial(lambda k: waits()[k](), k) for k in range(len(works))]


def _shared_out[T](works: Sequence[Callable[[], T]], most: int) -> list[Callable[[], T]]:
    """Begin some work in so many copies at the most, and return what waits for each piece."""
    many = min(processes() - 1, most)
    if many < 1:
        return [functools.cache(work) for work in works]
    import multiprocessing.connection

    context = multiprocessing.get_context("fork")
    claims = [context.Lock() for _ in works]  # who acquires one does the work
    copies, receivers = [], []
    for first in range(many):
        claims[first].acquire()
        receiver, sender = context.Pipe(duplex=False)
        order = first, *range(many, len(works))
        copy = context.Process(target=_send, args=(works, claims, order, sender), daemon=True)
        with warnings.catch_warnings():
            # the threads of BLAS are meant, which are idle, and which it starts anew in a copy
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            copy.start()
        sender.close()
        copies.append(copy)
        receivers.append(receiver)
    Beside.copies += copies
    found: dict[int, T] = {}

    def receive(seconds: float | None) -> bool:
        ready = multiprocessing.connection.wait(receivers, seconds)
        for each in receivers[:]:
            if each in ready:
                try:
                    found.update(each.recv())
                except EOFError:
                    receivers.remove(each)
        return bool(ready)

    @contextlib.contextmanager
    def given_back(k: int) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            claims[k].release()
            raise

    def relieve() -> bool:
        left = (k for k in reversed(range(len(works))) if claims[k].acquire(block=False))
        other = next(left, None)
        if other is not None:
            with given_back(other):
                found.update(_done(works, other))
        return other is not None

    def wait(k: int) -> T:
        mine = claims[k].acquire(block=False)
        while not mine and k not in found and receivers:
            if not receive(0) and not relieve():
                receive(None)
        if k not in found:
            with given_back(k):
                found[k] = works[k]()
        while copies and len(found) == len(works):
            copies.pop().join()
        return found[k]

    return [functools.partial(wait, k) for k in range(len(works))]


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


def _done[T](works: Sequence[Callable[[], T]], k: int) -> dict[int, T]:
    """Do some work that another waits for; what fails is left to who waits."""
    with contextlib.suppress(Exception):
        return {k: works[k]()}
    return {}


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
            with contextlib.suppress(Exception):
                sender.send(_done(works, k))
            forget()
