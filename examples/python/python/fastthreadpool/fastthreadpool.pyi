from collections import deque
from typing import Any

from ._native import FastLock as FastLock
from ._native import JobId as JobId
from ._native import Pool as Pool
from ._native import PoolCallback as PoolCallback
from ._native import PoolStopped as PoolStopped
from ._native import Semaphore as Semaphore
from ._native import TimerObj as TimerObj

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

LOGGER_NAME: str
DBG: deque[Any]

def Shutdown(now: bool = True) -> None: ...
