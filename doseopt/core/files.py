"""Files that are written whole or not at all, and what a killed run leaves of them."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

UNFINISHED = re.compile(r"\.unfinished-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-")
FORMAT = 2
"""Of study files, and of the JSON and netCDF that is made of them; study files of format 1 are read, too."""
DAY = 86_400
"""Seconds after which what is unfinished is left over, whoever began it."""


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file under a temporary name beside its place, then put it there in one step.

    A link is followed. A device or a pipe is no file that could be replaced: it is given the bytes, once all are there.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the file whose path it is given.

    Raises
    ------
    OSError
        With the file that was to be written, and not the temporary one.
    """
    unfinished: Path | None = None
    try:
        place = path.resolve()
        beside = None if _is_device(place) else place.parent
        handle, name = tempfile.mkstemp(dir=beside, prefix=unfinished_prefix(), suffix=path.suffix)
        os.close(handle)
        unfinished = Path(name)
        write(unfinished)
        unfinished.chmod(0o666 & ~_umask())
        put(unfinished, place)
    except OSError as error:
        if error.errno is not None:  # else the error says in its own words what happened
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
    return path


def put(finished: Path, path: Path) -> Path:
    """Put a finished file in its place, and return that; a device or a pipe there is given the bytes."""
    if _is_device(path):
        path.write_bytes(finished.read_bytes())
    else:
        finished.replace(path.resolve())
    return path


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def unfinished_prefix() -> str:
    """Return how the names of unfinished files of this process begin."""
    return f".unfinished-{_machine()}-{os.getpid()}-"


def sweep_unfinished(folder: Path) -> None:
    """Delete the unfinished files and folders that a process left which was killed; nothing of one that runs."""
    for path in folder.glob(".unfinished-*"):
        found = UNFINISHED.match(path.name)
        if found and _left(path, found["machine"], int(found["process"])):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _left(path: Path, machine: str, process: int) -> bool:
    """Return whether the process that made a file is gone, or the file a day old."""
    try:
        if time.time() - path.lstat().st_mtime > DAY:
            return True
        if machine != _machine() or os.name != "posix":  # elsewhere signal 0 is no question
            return False
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    except OverflowError:  # a number that no process can have
        return True
    return False


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
