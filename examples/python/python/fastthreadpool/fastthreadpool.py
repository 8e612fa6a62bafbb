"""The module by the name that the original has for it inside of the package, and what is easier said in Python."""

import atexit
import logging
from collections import deque

from ._native import (
    FastLock,
    JobId,
    Pool,
    PoolCallback,
    PoolStopped,
    Semaphore,
    TimerObj,
    shutdown_all,
)

__all__ = [
    "DBG",
    "FastLock",
    "JobId",
    "LOGGER_NAME",
    "Pool",
    "PoolCallback",
    "PoolStopped",
    "Semaphore",
    "Shutdown",
    "TimerObj",
]

LOGGER_NAME = "fastthreadpool"
# The original writes into it whatever happens. Here nobody does; it is there for those who clear it.
DBG: deque = deque()

# So long, in seconds, jobs may still run when the interpreter ends. Then it ends without them.
_GRACE = 1.0


def Shutdown(now=True):
    """Ends all pools. What has not begun is dropped, unless `now` is false."""
    shutdown_all(bool(now))


def _exit():
    shutdown_all(True, _GRACE)


atexit.register(_exit)


def _logger(level):
    logger = logging.getLogger(LOGGER_NAME)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s/%(processName)s] %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(level)
    return logger
