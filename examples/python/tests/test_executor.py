"""The executor of `concurrent.futures`."""

import asyncio
import threading
import weakref
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    TimeoutError,
    as_completed,
    wait,
)
from concurrent.futures import Executor as Base
from concurrent.futures import Future
from concurrent.futures.thread import BrokenThreadPool

import pytest

from fastthreadpool import Executor


def same(value):
    return value


def fail(value):
    raise ValueError(value)


def test_futures_are_those_of_the_library():
    with Executor(2) as executor:
        assert isinstance(executor, Base)
        futures = [executor.submit(pow, 2, exp=value) for value in range(100)]
        assert all(isinstance(future, Future) for future in futures)
        assert [future.result() for future in futures] == [2**value for value in range(100)]
        failed = executor.submit(fail, 7)
        assert failed.exception().args == (7,)
        with pytest.raises(ValueError):
            failed.result()


def test_as_completed_and_wait(gate):
    with Executor(2) as executor:
        slow, quick = executor.submit(gate, "slow"), executor.submit(same, "quick")
        done, pending = wait([slow, quick], return_when=FIRST_COMPLETED)
        assert done == {quick} and pending == {slow}
        with pytest.raises(TimeoutError):
            slow.result(0.01)
        gate.open()
        assert {future.result() for future in as_completed([slow, quick])} == {"slow", "quick"}


def test_map_in_order_and_its_timeout(gate):
    with Executor(4) as executor:
        assert list(executor.map(pow, range(10), [2] * 10)) == [value**2 for value in range(10)]
        with pytest.raises(ValueError):
            list(executor.map(fail, [1]))
        with pytest.raises(TimeoutError):
            list(executor.map(gate, [1], timeout=0.01))
        gate.open()


def test_callbacks_of_futures():
    told = []
    with Executor(1) as executor:
        executor.submit(same, 1).add_done_callback(lambda future: told.append(future.result()))
    assert told == [1]


def test_cancel_of_a_future_removes_the_job(gate):
    with Executor(1) as executor:
        running = executor.submit(gate)
        assert gate.begun.acquire(timeout=60)
        future = executor.submit(same, 1)
        assert future.cancel() is True and future.cancel() is True
        assert not executor._pool.jobs and future not in executor._futures
        assert future.cancelled() and future.done()
        # Who waits is told at once.
        assert wait([future], timeout=60).done == {future}
        with pytest.raises(CancelledError):
            future.result()
        assert running.cancel() is False
        gate.open()
    assert not executor._futures


def test_shutdown(gate):
    executor = Executor(1)
    running = executor.submit(gate, 1)
    assert gate.begun.acquire(timeout=60)
    queued = [executor.submit(same, value) for value in range(10)]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in queued)
    with pytest.raises(RuntimeError):
        executor.submit(same, 1)
    gate.open()
    executor.shutdown()
    assert running.result(0) == 1


def test_a_shutdown_while_a_job_is_submitted_cancels_each_future_by_itself(gate, monkeypatch):
    executor, futures, start = Executor(2), [], threading.Thread.start
    executor.submit(gate)

    def shut_down_first(thread):
        monkeypatch.undo()
        futures.extend(executor.submit(same, value) for value in range(50))
        executor.shutdown(wait=False, cancel_futures=True)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", shut_down_first)
    futures.append(executor.submit(same, 50))
    gate.open()
    assert not wait(futures, timeout=60).not_done
    assert all(future.cancelled() for future in futures)
    executor.shutdown()
    assert not executor._futures


def test_a_running_job_submits_nothing_after_a_shutdown(gate):
    executor = Executor(1)
    running = executor.submit(lambda: (gate(), executor.submit(same, 1)))
    assert gate.begun.acquire(timeout=60)
    executor.shutdown(wait=False)
    gate.open()
    with pytest.raises(RuntimeError):
        running.result(60)
    executor.shutdown()


def test_shutdown_without_cancelling_runs_all(gate):
    executor = Executor(1)
    executor.submit(gate)
    queued = [executor.submit(same, value) for value in range(10)]
    executor.shutdown(wait=False)
    gate.open()
    assert [future.result(60) for future in queued] == list(range(10))


def test_initializer():
    local = threading.local()
    with Executor(1, "name", lambda value: setattr(local, "value", value), (7,)) as executor:
        assert executor.submit(lambda: (local.value, threading.current_thread().name)).result() == (7, "name-1")


def test_an_initializer_that_fails_breaks_the_executor():
    executor = Executor(1, initializer=fail, initargs=(1,))
    with pytest.raises(BrokenThreadPool):
        executor.submit(same, 1).result(60)
    with pytest.raises(BrokenThreadPool):
        executor.submit(same, 1)
    executor.shutdown()


def test_a_future_keeps_neither_its_executor_nor_its_arguments():
    class Argument:
        pass

    executor, argument = Executor(1), Argument()
    futures = [executor.submit(same, 1), executor.submit(len, argument), executor.submit(len, value=argument)]
    assert wait(futures, timeout=60).done == set(futures)
    executor.shutdown()
    executor, argument = weakref.ref(executor), weakref.ref(argument)
    assert executor() is None and argument() is None


def test_wrong_arguments():
    with pytest.raises(ValueError):
        Executor(0)
    with pytest.raises(TypeError):
        Executor(1, initializer=1)


def test_an_event_loop_takes_it():
    async def main(executor):
        loop = asyncio.get_running_loop()
        values = await asyncio.gather(*(loop.run_in_executor(executor, same, value) for value in range(100)))
        assert values == list(range(100))
        with pytest.raises(ValueError):
            await loop.run_in_executor(executor, fail, 1)

    with Executor(2) as executor:
        asyncio.run(main(executor))


def test_an_event_loop_cancels_what_has_not_begun(gate):
    async def main(executor):
        loop = asyncio.get_running_loop()
        executor.submit(gate)
        future = loop.run_in_executor(executor, same, 1)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        # What the loop does about it is done in its next turn.
        while executor._pool.jobs:
            await asyncio.sleep(0)
        gate.open()

    with Executor(1) as executor:
        asyncio.run(main(executor))


def test_many_threads_submit_and_cancel():
    with Executor(2) as executor:
        counts = []

        def submit():
            futures = [executor.submit(same, value) for value in range(500)]
            cancelled = sum(future.cancel() for future in futures)
            ended = wait(futures, timeout=60)
            assert not ended.not_done
            counts.append(cancelled + sum(not future.cancelled() for future in futures))

        threads = [threading.Thread(target=submit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert counts == [500] * 4 and not executor._futures


def test_the_default_of_an_event_loop():
    names = set()

    def here(value):
        names.add(threading.current_thread().name)
        return value

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Executor(2, thread_name_prefix="ours"))
        values = [loop.run_in_executor(None, here, value) for value in range(100)]
        assert await asyncio.gather(*values) == list(range(100))
        assert await asyncio.to_thread(here, 7) == 7

    # The loop shuts it down in the end, and waits for that.
    asyncio.run(main())
    assert names and all(name.startswith("ours") for name in names)
