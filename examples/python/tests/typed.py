"""What type checkers make of the package: `mypy --strict` is to agree."""

import sys
from collections import deque
from concurrent.futures import Future, as_completed
from typing import Any

import fastthreadpool

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def work(number: int, *, text: str = "") -> str:
    return text * number


def pool() -> None:
    with fastthreadpool.Pool(2, "name", result_id=True) as pool:
        assert_type(pool, fastthreadpool.Pool)
        job = pool.submit(work, 1, text="x")
        assert_type(job, fastthreadpool.JobId)
        pool.submit(work, "1")  # type: ignore[arg-type]
        pool.submit_done(work, print, 1)
        pool.cancel(job)
        timer = pool.schedule(1, work, 2)
        assert_type(timer, fastthreadpool.TimerObj)
        pool.cancel(None, timer)
        pool.map(work, [1, 2], False)
    assert_type(pool.done, deque[Any])
    assert_type(pool.done_cnt.acquire(False), bool)


def executor() -> None:
    with fastthreadpool.Executor() as executor:
        future = executor.submit(work, 1)
        text: Future[str] = future
        for ended in as_completed([text]):
            assert_type(ended.result(), str)
        assert_type(list(executor.map(work, [1])), list[str])
