"""What several tests need: a gate that keeps workers, and programs of their own."""

import subprocess
import sys
import threading

import pytest

# More than any of it takes, on the busiest machine.
LONG = 60


class Gate:
    """A job that waits until it is let go, and says when it has begun."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, value=None):
        self.begun.release()
        assert self.opened.wait(LONG)
        return value

    def close(self, pool, workers=1):
        """Keeps so many workers of a pool from now on."""
        for _ in range(workers):
            pool.submit_done(self, False)
        for _ in range(workers):
            assert self.begun.acquire(timeout=LONG)

    def open(self):
        self.opened.set()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


class Program:
    def __call__(self, text, *arguments, **options):
        """Runs a program to its end."""
        return self.finish(self.start(text, *arguments, **options))

    def start(self, text, *arguments):
        return subprocess.Popen(
            [sys.executable, "-c", text, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=LONG)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"it has not ended\n{out}\n{err}")
        return process.returncode, out, err


@pytest.fixture
def program():
    return Program()
