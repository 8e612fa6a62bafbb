"""Queues of results, their semaphores, callbacks of the pool, failures, loggers, `as_completed`."""

import logging
import sys
import threading
from collections import deque

import pytest

import fastthreadpool
from fastthreadpool import Pool, PoolCallback


def same(value):
    return value


def fail(value, other=None):
    raise ValueError(value)


def test_the_queues_are_deques_of_the_users():
    pool = Pool()
    assert type(pool.done) is type(pool.failed) is deque
    assert pool.done is pool.done
    pool.done.append("mine")
    pool.submit(same, 1)
    pool.shutdown()
    assert list(pool.done) == ["mine", 1]


def test_a_permit_for_each_entry():
    pool = Pool()
    for value in range(10):
        pool.submit(same, value)
        pool.submit(fail, value)
    for _ in range(10):
        assert pool.done_cnt.acquire() and pool.failed_cnt.acquire()
        pool.done.popleft(), pool.failed.popleft()
    assert pool.done_cnt.value == pool.failed_cnt.value == 0
    assert not pool.done and not pool.failed
    pool.shutdown()


def test_results_of_submit_are_told_and_stay():
    results, threads = [], set()

    def done(result):
        results.append(result)
        threads.add(threading.current_thread())

    with Pool(1, done_callback=done) as pool:
        for value in range(100):
            pool.submit(same, value)
    assert results == list(range(100)) == list(pool.done)
    assert len(threads) == 1 and threads.pop().name == "ThreadPoolDone"


def test_of_results_that_were_told_the_latest_stay():
    count = 65_536 + 10
    with Pool(1, done_callback=lambda _: None) as pool:
        pool.submit(lambda: (yield from range(count)))
    assert len(pool.done) == pool.done_cnt.value == 65_536
    assert pool.done[0] == 10


def test_ids_are_told():
    results = []
    with Pool(1, done_callback=results.append, failed_callback=lambda *all: results.append(all), result_id=True) as pool:
        first, second = pool.submit(same, 1), pool.submit(fail, 2)
    assert (first, 1) in results
    assert [(id, error.args) for id, error in results if isinstance(error, ValueError)] == [(second, (2,))]


def test_a_callback_that_fails_is_a_failure():
    with Pool(done_callback=fail) as pool:
        pool.submit(same, 7)
    assert [error.args for error in pool.failed] == [(7,)]
    with Pool() as pool:
        pool.submit_done(same, fail, 8)
    assert [error.args for error in pool.failed] == [(8,)] and not pool.done


def test_failures_are_told_on_a_thread_of_their_own(monkeypatch):
    errors = []

    def failed(error):
        errors.append((error.args, threading.current_thread().name))
        if error.args == (0,):
            raise RuntimeError("of the callback")

    caught = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: caught.append(str(told.exc_value)))
    with Pool(1, failed_callback=failed) as pool:
        for value in range(3):
            pool.submit(fail, value)
    assert errors == [((value,), "ThreadPoolFailed") for value in range(3)]
    assert caught == ["of the callback"]
    assert not pool.failed


@pytest.mark.parametrize("raised", [ValueError, SystemExit, KeyboardInterrupt, BaseException])
def test_whatever_a_job_raises_the_worker_goes_on(raised):
    def job():
        raise raised("told")

    with Pool(1) as pool:
        pool.submit(job)
        pool.submit(same, 1)
    assert [type(error) for error in pool.failed] == [raised] and list(pool.done) == [1]


def test_a_generator_that_fails_has_the_items_before():
    def items():
        yield 1
        raise ValueError(2)

    with Pool() as pool:
        pool.submit(items)
    assert list(pool.done) == [1] and pool.failed[0].args == (2,)


def test_failures_with_ids_arguments_and_tracebacks():
    with Pool(result_id=True, exc_args=True) as pool:
        job = pool.submit(fail, 1, other=2)
        pool.map(fail, [3])
    entries = {id: (error.args, args, kwargs) for id, error, args, kwargs in pool.failed}
    assert entries == {job: ((1,), (1,), {"other": 2}), 0: ((3,), (3,), {})}
    with Pool(exc_stack=True) as pool:
        pool.submit(fail, 1)
    assert "in fail" in pool.failed[0] and pool.failed[0].endswith("ValueError: 1\n")
    with Pool(exc_args=True) as pool:
        pool.submit(fail, 1)
    assert [(error.args, args, kwargs) for error, args, kwargs in pool.failed] == [((1,), (1,), {})]
    with Pool(1, exc_args=True) as pool:
        pool.map(fail, [(4, 5), [6, 7], 8])
    assert [args for _, args, _ in pool.failed] == [(4, 5), (6, 7), (8,)]
    with Pool(result_id=True) as pool:
        job = pool.submit(fail, 1)
    assert [(id, error.args) for id, error in pool.failed] == [(job, (1,))]


def test_failures_are_logged():
    records = []

    class Handler(logging.Handler):
        def emit(self, record):
            records.append((record.name, record.levelname, record.getMessage(), record.exc_info[0]))

    logger = logging.getLogger(fastthreadpool.fastthreadpool.LOGGER_NAME)
    logger.handlers = [Handler()]
    errors = []
    try:
        with Pool(log_level=logging.ERROR) as pool:
            pool.submit(fail, 1)
        assert not pool.failed
        with Pool(log_level="ERROR", failed_callback=errors.append) as pool:
            pool.submit(fail, 2)
    finally:
        logger.handlers = []
    assert records == [("fastthreadpool", "ERROR", str(value), ValueError) for value in (1, 2)]
    assert [error.args for error in errors] == [(2,)]


def test_as_completed_has_all_that_ends():
    pool = Pool()
    for value in range(100):
        pool.submit(same if value % 2 else fail, value)
        pool.submit_done(same, False, value)
    seen = [ended.args[0] if isinstance(ended, ValueError) else ended for ended in pool.as_completed()]
    assert sorted(seen) == list(range(100))
    assert pool.done_cnt.value == pool.failed_cnt.value == 0
    assert pool.pending == 0 and list(pool.as_completed(True)) == []
    pool.shutdown()


def test_as_completed_ends_when_a_job_without_a_result_does(gate):
    pool = Pool(1)
    gate.close(pool)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(pool.as_completed()))
    reader.start()
    gate.open()
    reader.join(60)
    assert not reader.is_alive() and seen == []
    pool.shutdown()


def test_a_job_has_all_that_ends_beside_it():
    def collects():
        for value in range(10):
            pool.submit(same, value)
        return list(pool.as_completed())

    seen = []
    pool = Pool(1)
    pool.submit_done(collects, seen.extend)
    assert pool.shutdown(60) is True
    assert seen == list(range(10))


def test_as_completed_of_what_is_there_and_for_a_time(gate):
    pool = Pool(1)
    pool.submit(same, 1)
    assert pool.done_cnt.acquire()
    gate.close(pool)
    pool.submit(same, 2)
    assert list(pool.as_completed(False)) == [1]
    assert list(pool.as_completed(0.01)) == []
    gate.open()
    assert list(pool.as_completed()) == [2]
    for value in range(5):
        pool.submit(same, value)
    assert len(list(pool.as_completed(None, 2))) == 2
    assert len(list(pool.as_completed(cnt_max=0))) == 3
    pool.shutdown()


def test_as_completed_beside_a_callback_is_an_error():
    for pool in (Pool(done_callback=print), Pool(failed_callback=print)):
        with pool, pytest.raises(PoolCallback):
            list(pool.as_completed())


def test_no_more_results_than_there_is_room_for():
    pool = Pool(2, done_max=3)
    for value in range(100):
        pool.submit(same, value)
    longest, seen = 0, []
    for value in pool.as_completed():
        longest = max(longest, len(pool.done))
        seen.append(value)
    assert sorted(seen) == list(range(100))
    assert longest <= 3
    pool.shutdown()


def test_a_shutdown_makes_room():
    pool = Pool(2, done_max=1)
    for value in range(10):
        pool.submit(same, value)
    assert pool.shutdown() is True
    assert sorted(pool.done) == list(range(10))
