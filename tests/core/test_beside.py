"""Work done beside: the same result, from another process where there may be one; what fails there fails here."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from doseopt.core.beside import Beside, begun, in_turn, processes, spread

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")


def test_alone_unless_a_command_allows_more():
    assert processes() == 1
    assert begun(os.getpid)() == os.getpid()


def test_another_process_does_it_once(two):
    wait = begun(os.getpid)
    found = wait()
    assert found != os.getpid()
    assert wait() == found


def test_large_results_do_not_block(two):
    waits = [begun(lambda k=k: bytes([k]) * 1_000_000) for k in range(3)]
    assert [wait()[:1] for wait in waits] == [b"\0", b"\1", b"\2"]


def test_what_fails_there_fails_here(two):
    def broken():
        raise ValueError("as stated")

    wait = begun(broken)
    with pytest.raises(ValueError, match="as stated"):
        wait()


def test_what_dies_there_is_done_here(two):
    here = os.getpid()
    assert begun(lambda: here if os.getpid() == here else os._exit(1))() == here


def test_no_copy_of_a_process_with_other_threads(two):

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert processes() == 1
    finally:
        stop.set()
        thread.join()


def test_a_copy_makes_no_copies(two):
    assert begun(processes)() == 1


def test_what_is_loaded_is_searched_for_garbage_no_more_from_the_first_copy_of_a_command_on():
    run = (
        "import gc; from doseopt.core.beside import Beside, begun; Beside.allow(); Beside.processes = 2\n"
        "before = gc.get_freeze_count(); begun(int)(); assert gc.get_freeze_count() > before + 1000"
    )
    subprocess.run([sys.executable, "-c", run], check=True)


@pytest.mark.parametrize("items", [[], [1], [1, 2], [5, 4, 3, 2, 1]])
def test_shared_out_in_order(two, items):
    assert spread(lambda k: k * k, items) == [k * k for k in items]


def test_shared_out_between_two(two):
    found = spread(lambda _: os.getpid(), range(4))
    assert found[0] == found[2] == os.getpid() != found[1] == found[3]


def test_no_more_processes_than_are_allowed(two):
    first = begun(lambda: time.sleep(0.5) or os.getpid())
    assert processes() == 1
    assert begun(os.getpid)() == os.getpid() != first()
    assert processes() == 2


def test_pieces_in_turn_and_who_waits_does_the_last(two):
    first, _, last = in_turn([lambda: time.sleep(0.5) or os.getpid(), os.getpid, os.getpid])
    assert first() != os.getpid() == last()


def test_no_more_copies_than_are_wanted(two, monkeypatch):
    monkeypatch.setattr(Beside, "processes", 5)
    waits = in_turn([lambda: time.sleep(0.1) or os.getpid()] * 8, most=2)
    assert len({wait() for wait in waits} - {os.getpid()}) == 2


def test_what_fails_in_turn_fails_for_who_waits_for_it(two):
    def broken():
        raise ValueError("as stated")

    first, second, third = in_turn([lambda: time.sleep(0.2), broken, os.getpid])
    assert first() is None
    assert third() > 0
    with pytest.raises(ValueError, match="as stated"):
        second()


def test_a_result_stays_for_a_copy_that_comes_later(two):
    there = begun(os.getpid)
    found = there()
    again, who = begun(lambda: (there(), os.getpid()))()
    assert again == found
    assert who not in (found, os.getpid())


def test_an_interrupted_wait_can_be_gone_on_with(two):
    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        wait = begun(lambda: time.sleep(1) or os.getpid())
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            wait()
        assert wait() != os.getpid()
        long, short = in_turn([lambda: time.sleep(3), lambda: time.sleep(0.4) or os.getpid()])
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            long()  # meanwhile the other is done here
        assert short() == os.getpid()
        assert processes() == 1  # it has not been waited for longer than that
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
