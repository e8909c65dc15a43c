"""What holds for every input: an end in time and memory, and texts that can be shown."""

import re
import resource
import signal
from contextlib import contextmanager, suppress

import numpy as np

INPUTS, MANY = 400, 100_000
"""Inputs of a fuzzer in the ordinary suite (a part of them where one takes long), and with `-m fuzz`."""
SECONDS, MEMORY = 300, 3_000_000_000
"""Processor time and memory of one input: far more than any needs, so that only what hangs or explodes is stopped."""
LONGEST = 500_000
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class OutOfTimeError(BaseException):
    """No `except Exception` may hold it up."""


def _stop(*_):
    raise OutOfTimeError(f"not finished after {SECONDS} s of processor time")


def _used():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


@contextmanager
def bounded():
    """Bound the processor time and, where the system says what is used, the memory of what is inside."""
    usual = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, _stop)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_used() + MEMORY, usual[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_AS, usual)


def check_shown(text, source):
    """Refuse a text that cannot be shown."""
    found = CONTROL.search(text)
    why = f"U+{ord(found[0]):04X} in {text[max(found.start() - 60, 0) : found.end() + 20]!r}" if found else ""
    why = f"a text of {len(text):,} letters" if len(text) > LONGEST else why
    if why:
        raise AssertionError(f"{why}, from {source!r}")


def failures(fuzz, inputs, first=0):
    """Run a fuzzer, a function of a Generator, on inputs that their numbers name; at most ten that went wrong."""
    found = []
    for k in range(first, first + inputs):
        try:
            with bounded():
                fuzz(np.random.default_rng([17, k]))
        except (Exception, OutOfTimeError) as error:
            found.append((k, f"{type(error).__name__}: {str(error)[:2000]}"))
            if len(found) == 10:
                break
    return found
