"""Maps."""

import threading

import fastthreadpool
from fastthreadpool import Pool


def same(value):
    return value


def twice(value):
    yield value
    yield value


def test_one_worker_does_the_items_in_their_order():
    pool = Pool(1)
    pool.map(same, range(10_000))
    pool.shutdown()
    assert list(pool.done) == list(range(10_000))


def test_all_workers_take_part():
    meet = threading.Barrier(3)
    with Pool(3) as pool:
        pool.map(lambda _: meet.wait(60), range(3))
    assert sorted(pool.done) == [0, 1, 2]


def test_where_results_go():
    results = []
    with Pool() as pool:
        pool.map(same, [1, 2], False)
        pool.map(same, [3, 4], results.append)
        pool.map(same, [5, 6], True)
    assert sorted(results) == [3, 4] and sorted(pool.done) == [5, 6] and not pool.failed


def test_arguments_by_name():
    with Pool() as pool:
        pool.map(fn=same, itr=[1], done_callback=True, direct=True, unpack_args=False)
    assert list(pool.done) == [1]


def test_generator_functions():
    with Pool() as pool:
        pool.map(twice, [1, 2, 3])
    assert sorted(pool.done) == [1, 1, 2, 2, 3, 3]


def test_items_are_unpacked_if_the_first_is_a_tuple_or_if_it_is_said():
    with Pool(1) as pool:
        pool.map(lambda a, b: a + b, [(1, 2), [3, 4], "56"])
        pool.map(lambda a, b: a + b, [[7, 8]], unpack_args=True)
        pool.map(same, [(9, 10)], unpack_args=False)
        pool.map(same, [[11], b"12", "13", 14])
        pool.map(same, [])
    assert list(pool.done) == [3, 7, "56", 15, (9, 10), [11], b"12", "13", 14] and not pool.failed


def test_an_item_that_fails_fails_alone():
    with Pool(1) as pool:
        pool.map(lambda value: 1 // value, [1, 0, -1])
        pool.map(same, [1, (2,)], unpack_args=True)
    assert list(pool.done) == [1, -1, 2]
    assert [type(error) for error in pool.failed] == [ZeroDivisionError, TypeError]
    assert pool.failed[1].args == ("same() argument after * must be an iterable, not int",)


def test_what_is_iterated_may_be_anything_and_threads_stay():
    pool = Pool(2)
    pool.map(same, iter(range(5)), direct=False)
    assert pool.wait_idle() is True
    pool.map(same, {5: None, 6: None}, direct=True)
    pool.shutdown()
    assert sorted(pool.done) == list(range(7))


def test_a_map_breaks_off_when_the_threads_are_told_to_end(gate):
    pool, seen = Pool(1), []

    def item(value):
        seen.append(value)
        gate()

    pool.map(item, range(1000), False)
    assert gate.begun.acquire(timeout=60)
    pool.shutdown_children()
    gate.open()
    assert pool.shutdown() is True
    assert seen == [0]


def test_results_with_a_callback_of_the_pool_are_the_callbacks():
    results = []
    with Pool(done_callback=results.append) as pool:
        pool.map(same, range(100))
    assert sorted(results) == list(range(100)) and not pool.done
    assert fastthreadpool.fastthreadpool.DBG is not None
