from .executor import Executor as Executor
from .fastthreadpool import FastLock as FastLock
from .fastthreadpool import JobId as JobId
from .fastthreadpool import Pool as Pool
from .fastthreadpool import PoolCallback as PoolCallback
from .fastthreadpool import PoolStopped as PoolStopped
from .fastthreadpool import Semaphore as Semaphore
from .fastthreadpool import Shutdown as Shutdown
from .fastthreadpool import TimerObj as TimerObj

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
