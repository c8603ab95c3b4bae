"""Signals: none is lost at any moment."""

from __future__ import annotations

import os
import signal
import threading

from effective_embeddings.server.process.signals import Signals

ROUNDS = 3000


def test_a_signal_that_comes_as_the_wait_begins_is_not_lost() -> None:
    """The handler once ran in Python after the wait, which could sleep through a SIGTERM."""
    go, taken, lost = threading.Semaphore(0), threading.Semaphore(0), []

    def send() -> None:
        for turn in range(ROUNDS):
            go.acquire()
            os.kill(os.getpid(), signal.SIGHUP)
            if not taken.acquire(timeout=5):
                lost.append(turn)
                # A second signal, so that the test ends.
                os.kill(os.getpid(), signal.SIGHUP)
                return

    sender = threading.Thread(target=send)
    with Signals() as signals:
        sender.start()
        for _ in range(ROUNDS):
            go.release()
            assert signals.wait() == signal.SIGHUP
            if lost:
                break
            taken.release()
        assert not signals.stopping
        sender.join()
    assert not lost


def test_previous_signal_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.wait() == signal.SIGTERM
        assert signals.stopping
    assert signal.getsignal(signal.SIGTERM) is before
