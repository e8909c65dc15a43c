"""Work done beside: by a copy of this process, while this one goes on."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class Beside:
    """How many processes may work, this one included: one, unless a command that owns its process allows more."""

    processes = 1

    @classmethod
    def allow(cls) -> None:
        """Allow one for each processor, on a system where a process can be copied safely."""
        if sys.platform == "linux":
            cls.processes = len(os.sched_getaffinity(0))


def processes() -> int:
    """Return how many processes may work, this one included; one where other threads run, which a copy would lack."""
    import multiprocessing  # which a command that works alone does not need

    alone = threading.active_count() == 1 and not multiprocessing.current_process().daemon
    return Beside.processes if alone else 1


def begun[T](work: Callable[[], T]) -> Callable[[], T]:
    """Begin some work beside, if there may be another process; return what waits for the result.

    Work that failed there is done, and fails, here.

    Parameters
    ----------
    work : callable
        Its result can be pickled.

    Examples
    --------
    >>> wait = begun(lambda: 6 * 7)
    >>> wait()
    42
    """
    if processes() == 1:
        return functools.cache(work)
    import multiprocessing

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, sender), daemon=True)
    with warnings.catch_warnings():
        # the threads of BLAS are meant, which are idle, and which it starts anew in a copy
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        process.start()
    sender.close()

    @functools.cache
    def wait() -> T:
        try:
            found: tuple[T] = receiver.recv()  # when interrupted it can be asked again
        except EOFError:
            return work()
        receiver.close()
        process.join()
        return found[0]

    return wait


def spread[A, T](work: Callable[[A], T], items: Sequence[A]) -> list[T]:
    """Return the result of some work on each item, shared out between the processes that there may be.

    Examples
    --------
    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    many = max(1, min(processes(), len(items)))
    here, *rest = (items[k::many] for k in range(many))
    waits = [begun(functools.partial(_each, work, share)) for share in rest]
    found = [_each(work, here), *(wait() for wait in waits)]
    return [found[k % many][k // many] for k in range(len(items))]


def _each[A, T](work: Callable[[A], T], items: Sequence[A]) -> list[T]:
    return [work(item) for item in items]


def _send[T](work: Callable[[], T], sender: Connection) -> None:
    """Send a result; an interrupt is for the process that waits, and so is what fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(Exception):
        sender.send((work(),))
