"""The process: how it ends, ctrl-c, forks."""

import os
import signal
import textwrap
import threading

import pytest

import fastthreadpool

# What ends them is whatever they do at their end: each has to end by itself, with the status that it says.
ENDS = {
    "an idle pool": """
        pool = Pool(4)
        pool.submit(print, "job")
        pool.wait_idle()
    """,
    "a pool that was never used": """
        pool = Pool(done_callback=print, failed_callback=print, log_level=10)
        print("job")
    """,
    "many jobs that have not begun": """
        pool = Pool(2)
        begun = Semaphore(0)
        def job():
            begun.release()
            time.sleep(0.001)
        for _ in range(100_000):
            pool.submit(job)
        begun.acquire()
        print("job")
    """,
    "timers": """
        pool = Pool(2)
        pool.submit_later(3600, print, "never")
        pool.schedule(3600, print, "never")
        pool.schedule(0.0001, sum, (1, 2))
        pool.done_cnt.acquire()
        print("job")
    """,
    "a job that never ends, in Python": """
        pool = Pool(2)
        begun = Semaphore(0)
        def job():
            begun.release()
            while True:
                pass
        pool.submit(job)
        begun.acquire()
        print("job")
    """,
    "a job that never ends, in the kernel": """
        pool = Pool(2)
        begun = Semaphore(0)
        def job():
            begun.release()
            time.sleep(3600)
        pool.submit(job)
        begun.acquire()
        print("job")
    """,
    "jobs that wake up while the interpreter ends": """
        pool = Pool(32)
        begun = Semaphore(0)
        def job():
            begun.release()
            while True:
                time.sleep(0.0001)
        for _ in range(32):
            pool.submit(job)
        for _ in range(32):
            begun.acquire()
        print("job")
    """,
    "a generator, a map and callbacks that never end": """
        begun = Semaphore(0)
        def forever(*_):
            begun.release()
            while True:
                time.sleep(0.0001)
        def items():
            begun.release()
            while True:
                time.sleep(0.0001)
                yield 1
        pool = Pool(4, done_callback=forever, failed_callback=forever)
        pool.submit(items)
        pool.submit(int, "x")
        pool.map(forever, range(2))
        for _ in range(4):
            begun.acquire()
        print("job")
    """,
    "what is called beside jobs, and never ends": """
        begun, go = Semaphore(0), Semaphore(0)
        def forever(*_, begun=begun, sleep=time.sleep):
            begun.release()
            while True:
                sleep(0.0001)
        class Items:
            def __iter__(self):
                yield forever()
        class Error(Exception):
            __str__ = forever
        class Value:
            __del__ = forever
        def fail(*_):
            raise Error
        sys.unraisablehook = forever
        pool = Pool(5, exc_stack=True)
        pool.map(print, [Items()], unpack_args=True)
        pool.submit(lambda: pool.map(print, Items()))
        pool.submit(fail)
        pool.submit_done(Value, False)
        pool.submit_done(lambda _: go.acquire(), False, Value())
        go.release()
        other = Pool(1, failed_callback=fail)
        other.submit(fail)
        for _ in range(6):
            begun.acquire()
        print("job")
    """,
    "a job that waits for a semaphore and one that waits for a lock": """
        pool = Pool(2)
        begun, never, lock = Semaphore(0), Semaphore(0), FastLock()
        lock.acquire()
        def wait(what):
            begun.release()
            what.acquire()
        pool.submit(wait, never)
        pool.submit(wait, lock)
        begun.acquire(), begun.acquire()
        print("job")
    """,
    "threads that wait for a pool": """
        pool = Pool(1)
        begun = Semaphore(0)
        def job():
            begun.release()
            time.sleep(3600)
        pool.submit(job)
        for wait in (pool.shutdown, pool.wait_idle, pool.join):
            threading.Thread(target=wait, daemon=True).start()
        begun.acquire()
        print("job")
    """,
    "a pool that was forgotten": """
        begun = Semaphore(0)
        def job():
            begun.release()
            time.sleep(0.001)
        def use():
            pool = Pool(2)
            for _ in range(100_000):
                pool.submit(job)
        use()
        begun.acquire()
        print("job")
    """,
    "a pool with a callback that was forgotten": """
        pool = Pool(1, done_callback=lambda _: None)
        pool.submit(print, "job")
        pool.wait_idle()
        del pool
        while any(thread.name == "ThreadPoolDone" for thread in threading.enumerate()):
            Pool()
    """,
    "a pool that was shut down": """
        with Pool(2) as pool:
            pool.submit(print, "job")
    """,
    "a status": """
        pool = Pool(2)
        pool.submit(print, "job")
        pool.wait_idle()
        sys.exit(7)
    """,
    "an executor runs what it was given": """
        executor = Executor(1)
        executor.submit(time.sleep, 0.05)
        executor.submit(print, "job")
    """,
    "an executor whose job submits itself again": """
        executor = Executor(1)
        def job():
            executor.submit(job)
        executor.submit(job)
        print("job")
    """,
}


@pytest.mark.parametrize("what", ENDS)
def test_a_process_ends(program, what):
    imports = "import sys, threading, time\nfrom fastthreadpool import Executor, FastLock, Pool, Semaphore\n"
    status, out, err = program(imports + textwrap.dedent(ENDS[what]))
    assert (status, out, err) == (7 if what == "a status" else 0, "job\n", "")


WAITS = {
    "shutdown": "pool.shutdown()",
    "the end of a block": "with pool: pass",
    "wait_idle": "pool.wait_idle()",
    "as_completed": "list(pool.as_completed())",
    "a semaphore": "fastthreadpool.Semaphore(0).acquire()",
    "the count of a queue": "pool.done_cnt.acquire()",
    "a lock": "lock = fastthreadpool.FastLock(); lock.acquire(); lock.acquire()",
}


@pytest.mark.parametrize("what", WAITS)
def test_ctrl_c_ends_a_wait(program, what):
    process = program.start(
        f"""
import fastthreadpool, threading, time
pool = fastthreadpool.Pool(1)
pool.submit(time.sleep, 3600)
while not pool.busy:
    time.sleep(0.001)
print("waits", flush=True)
try:
    {WAITS[what]}
except KeyboardInterrupt:
    print("interrupted")
"""
    )
    assert process.stdout.readline() == "waits\n"
    process.send_signal(signal.SIGINT)
    status, out, err = program.finish(process)
    # It may have come before the wait, and then it ends the program.
    assert (status, out, err) == (0, "interrupted\n", "") or "KeyboardInterrupt" in err


@pytest.mark.parametrize("has_begun", [False, True])
def test_ctrl_c_while_a_thread_is_started(monkeypatch, has_begun):
    start, threads = threading.Thread.start, []

    def interrupted(thread):
        monkeypatch.undo()
        # As `threading` itself keeps one that it was to start.
        threads.append(thread)
        if has_begun:
            start(thread)
        raise KeyboardInterrupt

    pool = fastthreadpool.Pool(2)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.submit(str, 1)
    pool.submit(str, 2)
    assert pool.shutdown(60) is True
    assert sorted(pool.done) == (["1", "2"] if has_begun else ["2"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_is_told_and_the_child_makes_its_own(program):
    status, out, err = program(
        """
import os, sys, warnings
import fastthreadpool
warnings.simplefilter("ignore")
pool = fastthreadpool.Pool(2, done_callback=len)
pool.submit(str, 1)
pool.wait_idle()
child = os.fork()
if child == 0:
    try:
        pool.submit(str, 2)
    except fastthreadpool.PoolStopped as error:
        print(error, flush=True)
    assert pool.shutdown() is pool.wait_idle() is pool.join(1) is pool.cancel() is False
    assert pool.alive == pool.busy == pool.pending == 0 and not pool.jobs and not pool.delayed
    with fastthreadpool.Pool(2) as mine:
        mine.submit(str, 3)
    assert list(mine.done) == ["3"]
    sys.exit(5)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
pool.submit(str, 4)
pool.shutdown()
print(len(pool.done))
"""
    )
    assert (status, err) == (0, "")
    told, count = out.splitlines()
    assert "fork" in told and count == "2"


def test_an_interpreter_beside_the_main_one_is_refused(program):
    status, out, err = program(
        """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import fastthreadpool
refused = "try: import fastthreadpool\\nexcept ImportError as error: print(error, flush=True)"
interpreters.run_string(interpreters.create(), refused)
with fastthreadpool.Pool(1) as pool:
    pool.submit(print, "job")
"""
    )
    # From 3.12 on it is Python that says so.
    ours = "fastthreadpool works in the main interpreter only"
    theirs = "module fastthreadpool._native does not support loading in subinterpreters"
    assert (status, err) == (0, "")
    assert out.splitlines() in ([ours, "job"], [theirs, "job"])
