"""Submitting: where jobs are put, what they are called with, what becomes of what they return."""

import threading
import time

import pytest

import fastthreadpool
from fastthreadpool import Pool, PoolStopped


def same(value):
    return value


def items(count):
    yield from range(count)


def test_results_of_submit_are_in_done():
    pool = Pool()
    for value in range(100):
        pool.submit(same, value)
    assert pool.shutdown() is True
    assert sorted(pool.done) == list(range(100))
    assert not pool.failed


def test_arguments_by_position_and_by_name():
    def all_of_them(*args, **kwargs):
        return args, kwargs

    with Pool() as pool:
        pool.submit(all_of_them, 1, two=2)
        pool.submit(all_of_them, function=3, fn=4)
    assert sorted(pool.done, key=repr) == [((), {"function": 3, "fn": 4}), ((1,), {"two": 2})]


def test_one_worker_runs_jobs_in_the_order_of_submission(gate):
    pool = Pool(1)
    gate.close(pool)
    for value in range(1000):
        pool.submit(same, value)
    gate.open()
    pool.shutdown()
    assert list(pool.done) == list(range(1000))


def test_the_job_that_was_put_first_last_is_the_first(gate):
    pool = Pool(1)
    gate.close(pool)
    pool.submit(same, "last")
    pool.submit_first(same, "second")
    pool.submit_first(same, "first")
    gate.open()
    pool.shutdown()
    assert list(pool.done) == ["first", "second", "last"]


def test_a_callback_of_a_job_is_called_on_the_worker(gate):
    results = []

    def done(result):
        results.append((result, threading.current_thread().name))

    pool = Pool(1, "mine")
    gate.close(pool)
    pool.submit_done(same, done, 1)
    pool.submit_done_first(same, done, 2)
    gate.open()
    pool.shutdown()
    assert results == [(2, "mine-1"), (1, "mine-1")]
    assert not pool.done


def test_true_is_the_queue_and_false_is_nowhere():
    with Pool() as pool:
        pool.submit_done(same, True, 1)
        pool.submit_done(same, False, 2)
        pool.submit_done_first(same, True, 3)
    assert sorted(pool.done) == [1, 3]
    with Pool(done_callback=False) as pool:
        pool.submit(same, 1)
        pool.submit_first(same, 2)
    assert list(pool.done) == [2]


def test_each_item_of_a_generator_function_is_a_result():
    results = []
    with Pool(1) as pool:
        pool.submit(items, 3)
        pool.submit_done(items, results.append, 4)
        pool.submit_done(items, False, 5)
    assert list(pool.done) == [0, 1, 2]
    assert results == [0, 1, 2, 3]


def test_a_generator_that_a_function_returns_is_its_result():
    with Pool() as pool:
        pool.submit(lambda: items(3))
    assert list(pool.done[0]) == [0, 1, 2]


def test_results_with_ids():
    pool = Pool(result_id=True)
    ids = {pool.submit(same, value): value for value in range(10)}
    ids[pool.submit_first(same, 10)] = 10
    generator = pool.submit(items, 2)
    timer = pool.submit_later(0, same, "later")
    pool.shutdown()
    done = list(pool.done)
    assert {id: value for id, value in done if id in ids} == ids
    assert [value for id, value in done if id == generator] == [0, 1]
    assert [value for id, value in done if id == timer.timer_id] == ["later"]
    assert len(done) == len(ids) + 3


def test_ids_compare_in_the_order_of_submission():
    with Pool() as pool:
        first, second = pool.submit(same, 1), pool.submit(same, 2)
    assert first < second and first != second and len({first, second, first}) == 2
    assert str(first) in repr(first)


def test_a_delayed_job_runs_after_its_time():
    pool = Pool()
    begun = time.monotonic()
    pool.submit_later(0.02, time.monotonic)
    pool.submit_done_later(0.02, time.monotonic, True)
    assert pool.done_cnt.acquire() and pool.done_cnt.acquire()
    assert all(ran - begun >= 0.02 for ran in pool.done)
    assert not pool.delayed
    pool.shutdown()


def test_a_job_at_a_time_of_day_once_and_with_an_interval():
    pool = Pool()
    pool.submit_at(time.time() + 0.02, 0.0, same, "once")
    pool.submit_done_at(time.localtime(time.time() + 3600), 0.0, same, print, "never")
    timer = pool.submit_at(time.time() + 0.02, 0.01, same, "often")
    seen = []
    while seen.count("often") < 3 or "once" not in seen:
        assert pool.done_cnt.acquire()
        seen.append(pool.done.popleft())
    assert pool.cancel(False, timer) is True
    assert len(pool.delayed) == 1 and not pool.scheduled
    pool.cancel(None, True)
    assert not pool.delayed
    pool.shutdown()


def test_a_time_that_is_over_is_an_error():
    with Pool() as pool:
        with pytest.raises(ValueError):
            pool.submit_at(time.time() - 10, 0, same, 1)
        with pytest.raises(ValueError):
            pool.schedule(0, same, 1)
        with pytest.raises(ValueError):
            pool.submit_later(float("nan"), same, 1)


def test_a_schedule_runs_until_it_is_cancelled():
    pool, results = Pool(), fastthreadpool.Semaphore(0)
    timer = pool.schedule(0.005, same, 1)
    other = pool.schedule_done(0.005, same, lambda _: results.release(), 2)
    for _ in range(3):
        assert pool.done_cnt.acquire() and results.acquire()
    assert set(pool.scheduled) == {timer, other}
    assert timer.old_timer_id is None
    assert timer.cancel() is True
    assert pool.cancel(False, True) is True
    assert not pool.scheduled
    assert timer.cancel() is False
    pool.shutdown()
    assert set(pool.done) == {1}


def test_jobs_submit_jobs_also_while_the_pool_is_shut_down(gate):
    pool = Pool(2)

    def submits():
        gate()
        pool.submit(same, "from a job")

    pool.submit_done(submits, False)
    assert gate.begun.acquire(timeout=60)
    assert pool.shutdown(0) is False
    gate.open()
    assert pool.shutdown() is True
    assert list(pool.done) == ["from a job"]


def test_a_pool_that_was_shut_down_takes_nothing():
    pool = Pool()
    pool.shutdown()
    for refused in (
        lambda: pool.submit(same, 1),
        lambda: pool.submit_first(same, 1),
        lambda: pool.submit_later(1, same, 1),
        lambda: pool.schedule(1, same, 1),
        lambda: pool.map(same, [1]),
    ):
        with pytest.raises(PoolStopped):
            refused()


def test_what_cannot_be_called_is_refused_at_once():
    with Pool() as pool, pytest.raises(TypeError):
        pool.submit(1)
