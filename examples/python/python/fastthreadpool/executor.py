"""An executor as those of `concurrent.futures`: each future is a job of a pool, and who cancels the one removes the other.

| the future | the job |
|---|---|
| pending | waits for a worker |
| running, finished | runs, has run |
| cancelled | was removed from the queue; if it was being taken just then it does nothing |

Whoever takes a future out of the set of those that are pending says how it ends.
"""

import logging
import os
import weakref
from concurrent.futures import Future as _Future
from concurrent.futures import ThreadPoolExecutor as _Executor
from concurrent.futures.thread import BrokenThreadPool

from .fastthreadpool import Pool, PoolStopped


class Future(_Future):
    """A future that knows its job."""

    _executor = None
    _job = None

    def cancel(self):
        if not super().cancel():
            return False
        executor = self._executor()
        # Once for each job, and not before its submit has returned. Else who has it tells those who wait.
        if executor is not None and self._job is not None and executor._pool.cancel(self._job):
            try:
                executor._futures.remove(self)
            except KeyError:
                return True
            self.set_running_or_notify_cancel()
        return True


class Executor(_Executor):
    """The interface of `concurrent.futures.ThreadPoolExecutor` on a `Pool`.

    At the end of the interpreter what was submitted is run, as there. It is one of these by name, since event loops take no other as
    their default; it has none of their threads, nor their queue.
    """

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        if max_workers is None:
            max_workers = min(32, (os.cpu_count() or 1) + 4)
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        # Others read that of executors.
        self._max_workers = max_workers
        self._futures = set()
        # Of its futures: results that somebody keeps keep no threads.
        self._this = weakref.ref(self)
        # Not this executor: the pool would keep it, and it keeps the pool.
        begin = None if initializer is None else _Begin(self._futures, initializer, initargs)
        self._begin = begin
        prefix = thread_name_prefix or "ThreadPoolExecutor"
        self._pool = Pool(max_workers, prefix, begin, drains=True)

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future._executor = self._this
        futures = self._futures
        futures.add(future)
        try:
            # When it is in the set: it is failed there, or not made.
            if self._begin is not None:
                self._begin.check()
            future._job = self._pool.submit_done(_run, False, futures, future, fn, args, kwargs)
        except BaseException as error:
            futures.discard(future)
            if isinstance(error, PoolStopped):
                raise RuntimeError("cannot schedule new futures after shutdown") from error
            raise
        return future

    submit.__doc__ = _Executor.submit.__doc__

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(0)
        if cancel_futures:
            for future in tuple(self._futures):
                future.cancel()
        if wait:
            self._pool.shutdown()

    shutdown.__doc__ = _Executor.shutdown.__doc__


def _run(futures, future, fn, args, kwargs):
    try:
        futures.remove(future)
    except KeyError:
        return
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
        # The traceback has this frame, and that has all of them.
        futures = future = fn = args = kwargs = None
    else:
        future.set_result(result)


class _Begin:
    """Calls the initializer on each thread. Where that fails no future runs any more."""

    def __init__(self, futures, initializer, initargs):
        self.futures, self.initializer, self.initargs = futures, initializer, initargs
        self.is_broken = False

    def check(self):
        if self.is_broken:
            raise BrokenThreadPool("A thread initializer failed, the thread pool is not usable anymore")

    def __call__(self, _thread):
        try:
            self.initializer(*self.initargs)
        except BaseException:
            logging.getLogger("concurrent.futures").critical("Exception in initializer:", exc_info=True)
            self.is_broken = True
            try:
                self.check()
            except BrokenThreadPool as error:
                for future in tuple(self.futures):
                    try:
                        self.futures.remove(future)
                    except KeyError:
                        continue
                    if future.set_running_or_notify_cancel():
                        future.set_exception(error)
