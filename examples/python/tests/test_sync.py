"""Semaphore and FastLock."""

import threading

import pytest

from fastthreadpool import FastLock, Pool, Semaphore


def test_a_semaphore_counts():
    semaphore = Semaphore(2)
    assert (semaphore.value, semaphore.locked) == (2, False)
    assert semaphore.acquire() is True and semaphore.acquire(False) is True
    assert (semaphore.value, semaphore.locked) == (0, True)
    assert semaphore.acquire(blocking=False) is False
    assert semaphore.acquire(timeout=0.01) is False
    semaphore.release()
    semaphore.release()
    semaphore.release()
    assert semaphore.value == 3
    assert Semaphore().value == 1


def test_a_semaphore_has_no_less_than_nothing():
    with pytest.raises(ValueError):
        Semaphore(-1)


def test_a_semaphore_as_a_block():
    semaphore = Semaphore()
    with pytest.raises(KeyError), semaphore:
        assert semaphore.locked
        raise KeyError
    assert semaphore.value == 1


@pytest.mark.parametrize("kind", [Semaphore, FastLock])
def test_who_waits_is_woken(kind):
    lock, taken = kind(), []
    assert lock.acquire()

    def take():
        assert lock.acquire()
        taken.append(1)
        lock.release()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert not taken
    lock.release()
    for thread in threads:
        thread.join(60)
    assert len(taken) == 4 and not lock.locked


def test_a_lock():
    lock = FastLock()
    assert lock.locked is False
    assert lock.acquire() is True and lock.locked is True
    assert lock.acquire(False) is False and lock.acquire(True, 0.01) is False
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join(60)
    assert lock.locked is False
    with pytest.raises(RuntimeError):
        lock.release()
    with lock:
        assert lock.locked
    assert not lock.locked


@pytest.mark.parametrize("kind", [Semaphore, FastLock])
def test_a_flag_is_whatever_is_true_or_not(kind):
    lock = kind()
    assert lock.acquire(1) is True and lock.acquire(0) is False and lock.acquire(None) is False


def test_a_count_that_many_change_is_right():
    lock, count = FastLock(), [0]

    def add():
        with lock:
            before = count[0]
            for _ in range(10):
                pass
            count[0] = before + 1

    with Pool(4) as pool:
        for _ in range(10_000):
            pool.submit_done(add, False)
    assert count == [10_000] and not pool.failed


def test_jobs_that_wait_for_later_ones_have_others_stand_in():
    semaphore = Semaphore(0)
    with Pool(1) as pool:
        for _ in range(5):
            pool.submit(semaphore.acquire)
        for _ in range(5):
            pool.submit_done(semaphore.release, False)
    assert list(pool.done) == [True] * 5
