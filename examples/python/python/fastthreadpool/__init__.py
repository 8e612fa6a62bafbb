"""The API of fastthreadpool on its Rust successor."""

from .executor import Executor
from .fastthreadpool import (
    FastLock,
    JobId,
    Pool,
    PoolCallback,
    PoolStopped,
    Semaphore,
    Shutdown,
    TimerObj,
)

__all__ = [
    "Executor",
    "FastLock",
    "JobId",
    "Pool",
    "PoolCallback",
    "PoolStopped",
    "Semaphore",
    "Shutdown",
    "TimerObj",
]
