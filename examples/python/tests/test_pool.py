"""The pool: how many threads, what they are, what there is, cancelling, ending."""

import gc
import os
import threading
import weakref

import pytest

import fastthreadpool
from fastthreadpool import FastLock, Pool, PoolStopped, Semaphore


def same(value):
    return value


def cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def test_threads_are_started_on_demand_up_to_the_maximum(gate):
    pool = Pool(3)
    assert pool.alive == pool.busy == pool.pending == pool.child_cnt == 0
    gate.close(pool, 3)
    for _ in range(5):
        pool.submit(same, 1)
    assert (pool.alive, pool.busy, pool.pending, pool.child_cnt, len(pool.jobs)) == (3, 3, 8, 3, 5)
    gate.open()
    assert pool.wait_idle() is True
    assert (pool.alive, pool.pending, len(pool.jobs)) == (3, 0, 0)
    pool.shutdown()
    assert pool.alive == 0 and pool.children == () and pool.is_shutdown


def most(pool):
    """How many jobs run at the same time, at most."""
    lock, all_wait = threading.Lock(), threading.Event()
    counts = [0, 0]

    def job():
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        all_wait.wait(0.001)
        with lock:
            counts[0] -= 1

    for _ in range(100):
        pool.submit(job)
    pool.shutdown()
    return counts[1]


def test_limits_of_threads():
    assert most(Pool(1)) == 1
    assert most(Pool(2)) <= 2
    assert most(Pool()) <= cpus() and most(Pool(-9999)) <= cpus() and most(Pool(0)) <= cpus()
    if cpus() > 1:
        assert most(Pool(1 - cpus())) == 1
    with pytest.raises(ValueError):
        Pool(-cpus())


def test_flags_are_whatever_is_true_or_not():
    with Pool(1, result_id=1, exc_stack=0, exc_args=None) as pool:
        job = pool.submit(same, 1)
        pool.map(same, [(2,)], direct=0, unpack_args=1)
        assert pool.shutdown(None, 0) is True
    assert list(pool.done) == [(job, 1), 2]


@pytest.mark.parametrize("kind", [Pool, Semaphore, FastLock])
def test_a_class_may_be_derived_from(kind):
    class Derived(kind):
        more = 7

    derived = Derived()
    with derived:
        derived.more += 1
    assert isinstance(derived, kind) and derived.more == 8


def test_threads_are_of_threading_and_have_names(gate):
    with Pool(2) as pool:
        gate.close(pool, 2)
        children = pool.children
        assert all(isinstance(child, threading.Thread) and child.daemon and child.is_alive() for child in children)
        assert sorted((child.name, child.tnum) for child in children) == [("ThreadPool-1", 1), ("ThreadPool-2", 2)]
        assert set(children) <= set(threading.enumerate())
        gate.open()
    pool.cleanup_children()
    for child in children:
        child.join(60)
        assert not child.is_alive()
    with Pool(1, "prefix") as pool:
        pool.submit(lambda: threading.current_thread().name)
    assert list(pool.done) == ["prefix-1"]


def test_callbacks_of_threads():
    told, local = [], threading.local()

    def init(thread, *args):
        thread.made = args
        local.value = 7
        told.append((thread, threading.current_thread()))

    with Pool(1, init_callback=init, init_args=(1, 2), finish_callback=lambda: told.append("end")) as pool:
        pool.submit(lambda: (threading.current_thread().made, local.value))
    assert list(pool.done) == [((1, 2), 7)]
    (thread, current), end = told
    assert thread is current and end == "end"


def test_cancel_of_one_job(gate):
    pool = Pool(1)
    gate.close(pool)
    first, second, third = (pool.submit(same, value) for value in (1, 2, 3))
    assert list(pool.jobs) == [first, second, third]
    assert pool.cancel(second) is True
    assert pool.cancel(second) is False
    assert list(pool.jobs) == [first, third]
    assert pool.cancel(jobid=first) is True
    assert pool.cancel(False) is True
    assert pool.cancel("no id") is False
    gate.open()
    pool.shutdown()
    assert list(pool.done) == [3]
    assert pool.cancel(third) is False


def test_a_job_that_runs_is_not_cancelled(gate):
    pool = Pool(1)
    job = pool.submit(gate, 1)
    assert gate.begun.acquire(timeout=60)
    assert pool.cancel(job) is False
    gate.open()
    pool.shutdown()
    assert list(pool.done) == [1]


def test_cancel_of_all_jobs_and_of_all_timers(gate):
    pool = Pool(1)
    gate.close(pool)
    for value in range(10):
        pool.submit(same, value)
    later, often = pool.submit_later(3600, same, 1), pool.schedule(3600, same, 1)
    assert list(pool.delayed) == [later] and list(pool.scheduled) == [often]
    assert pool.cancel() is True
    assert not pool.jobs and len(pool.delayed) == len(pool.scheduled) == 1
    assert pool.cancel(timer=True) is True
    assert not pool.delayed and not pool.scheduled
    assert later.cancel() is False
    gate.open()
    pool.shutdown()
    assert not pool.done


def test_cancel_of_a_timer_of_another_pool():
    pools = [Pool(1), Pool(1)]
    timers = [pool.submit_later(3600, same, 1) for pool in pools]
    pools[0].cancel(False, timers[1])
    assert pools[0].cancel(timers[1]) is False
    assert [list(pool.delayed) for pool in pools] == [[timer] for timer in timers]
    for pool in pools:
        pool.cancel(None, True)
        pool.shutdown()


def test_what_a_cancelled_job_had_is_dropped(gate):
    class Argument:
        pass

    pool, argument = Pool(1), Argument()
    gate.close(pool)
    job = pool.submit(same, argument)
    argument = weakref.ref(argument)
    assert argument() is not None
    pool.cancel(job)
    pool.pending  # Whoever has the interpreter next drops it.
    assert argument() is None
    gate.open()
    pool.shutdown()


def test_what_a_job_had_is_dropped_when_it_has_run():
    class Argument:
        pass

    argument = Argument()
    with Pool(1) as pool:
        pool.submit_done(same, False, argument)
        argument = weakref.ref(argument)
        pool.wait_idle()
        assert argument() is None


def test_clear_opens_the_pool_again(gate):
    for done_callback in (None, same):
        pool = Pool(1, done_callback=done_callback)
        pool.submit(same, 1)
        pool.shutdown()
        with pytest.raises(PoolStopped):
            pool.submit(same, 2)
        pool.clear()
        assert not pool.is_shutdown
        assert not pool.done and not pool.failed and pool.done_cnt.value == 0
        pool.submit(same, 3)
        pool.shutdown()
        assert list(pool.done) == [3] and pool.done_cnt.value == 1


def test_clear_drops_what_waits(gate):
    pool = Pool(1)
    gate.close(pool)
    pool.submit(same, 1)
    pool.submit_later(3600, same, 2)
    pool.shutdown_children()
    with pytest.raises(PoolStopped):
        pool.submit(same, 3)
    pool.clear()
    assert not pool.jobs and not pool.delayed
    pool.submit(same, 4)
    gate.open()
    pool.shutdown()
    assert list(pool.done) == [4]


def test_shutdown_with_a_timeout(gate):
    pool = Pool(1)
    gate.close(pool)
    pool.submit(same, 1)
    assert pool.shutdown(0.01) is False
    assert pool.join(0.01) is False
    gate.open()
    assert pool.join() is True
    assert pool.shutdown() is True
    assert list(pool.done) == [1]


def test_shutdown_soon(gate):
    pool = Pool(1)
    gate.close(pool)
    pool.submit(same, 1)
    assert pool.shutdown(0, soon=True) is False
    gate.open()
    assert pool.shutdown(None, True) is True
    assert not pool.done


def test_a_job_does_not_wait_for_its_own_pool():
    pool = Pool(1)
    pool.submit(lambda: pool.shutdown())
    assert pool.done_cnt.acquire()
    assert pool.join() is True
    assert list(pool.done) == [False]


def test_the_end_of_a_block_waits_also_when_it_raises():
    with pytest.raises(KeyError), Pool() as pool:
        pool.submit(same, 1)
        raise KeyError
    assert list(pool.done) == [1]


def test_wait_idle_with_a_timeout(gate):
    pool = Pool(1)
    assert pool.wait_idle(0) is True
    gate.close(pool)
    assert pool.wait_idle(0.01) is False
    gate.open()
    assert pool.wait_idle(60) is True
    pool.shutdown()


def test_a_pool_that_is_forgotten_runs_its_jobs(gate):
    pool = Pool(1)
    ended = threading.Semaphore(0)
    gate.close(pool)
    for _ in range(10):
        pool.submit(ended.release)
    del pool
    gc.collect()
    gate.open()
    for _ in range(10):
        assert ended.acquire(timeout=60)


def test_a_pool_that_is_forgotten_has_room_for_all_results():
    pool = Pool(1, done_max=1)
    ended = threading.Semaphore(0)
    for _ in range(3):
        pool.submit(ended.release)
    del pool
    for _ in range(3):
        assert ended.acquire(timeout=60)


def test_shutdown_of_all_pools(gate):
    pools = [Pool(1), Pool(1)]
    gate.close(pools[0])
    for pool in pools:
        pool.submit(same, 1)
        pool.submit_later(3600, same, 2)
    pools[1].wait_idle()
    gate.open()
    fastthreadpool.Shutdown()
    assert all(pool.is_shutdown and pool.alive == 0 for pool in pools)
    assert list(pools[1].done) == [1]
    pool = Pool(1)
    pool.submit(same, 3)
    fastthreadpool.Shutdown(False)
    assert list(pool.done) == [3]


def test_a_long_job_of_python_lets_others_have_the_interpreter():
    stop = []

    def spin():
        while not stop:
            pass

    with Pool(1) as pool:
        pool.submit(spin)
        # It gets there, though the worker never lets go by itself.
        stop.append(True)


def test_a_row_of_built_in_functions_lets_others_have_the_interpreter():
    row = iter(range(10**9))
    with Pool(1) as pool:
        pool.map(row.__next__, [()] * 200_000, False)
        # They would be over before a thread that must wait for the end of all of them is here.
        assert pool.pending <= 1
    assert not pool.failed
