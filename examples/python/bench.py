"""Very many very small jobs, in this package, in the original, and in the two pools of Python's library.

    bench.py [--jobs 50000] [--rounds 9] [--threads 2] [--original PYTHON] [--quick]

PYTHON is one in which the original is installed: `pip install 'cython<3' setuptools`, then
`pip install --no-build-isolation fastthreadpool==1.7.0`. Each measurement is a process of its own, in which the work is done four times and the
first does not count; they take turns, and what is printed are medians, in ns per job from the first submit until the last result is there, and how
many times as long as in this package.
"""

import argparse
import statistics
import subprocess
import sys
import time


def work(value):
    return value


def ours_submit(jobs, threads):
    import fastthreadpool

    pool = fastthreadpool.Pool(threads)
    for value in range(jobs):
        pool.submit(work, value)
    pool.shutdown()
    return len(pool.done)


def ours_map(jobs, threads):
    import fastthreadpool

    pool = fastthreadpool.Pool(threads)
    pool.map(work, list(range(jobs)), **({} if hasattr(fastthreadpool, "Executor") else {"unpack_args": False}))
    pool.shutdown()
    return len(pool.done)


def futures(executor, jobs):
    with executor:
        count = 0
        for future in [executor.submit(work, value) for value in range(jobs)]:
            future.result()
            count += 1
    return count


def ours_futures(jobs, threads):
    import fastthreadpool

    return futures(fastthreadpool.Executor(threads), jobs)


def library_futures(jobs, threads):
    from concurrent.futures import ThreadPoolExecutor

    return futures(ThreadPoolExecutor(threads), jobs)


def library_submit(jobs, threads):
    from concurrent.futures import ThreadPoolExecutor

    done = []
    with ThreadPoolExecutor(threads) as executor:
        for value in range(jobs):
            executor.submit(lambda value: done.append(work(value)), value)
    return len(done)


def library_map(jobs, threads):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as executor:
        return len(list(executor.map(work, range(jobs))))


def multiprocessing_submit(jobs, threads):
    from multiprocessing.pool import ThreadPool

    done = []
    with ThreadPool(threads) as pool:
        for value in range(jobs):
            pool.apply_async(work, (value,), callback=done.append)
        pool.close()
        pool.join()
    return len(done)


def multiprocessing_map(jobs, threads):
    from multiprocessing.pool import ThreadPool

    with ThreadPool(threads) as pool:
        return len(pool.map(work, range(jobs)))


# What is done, and by whom.
WORKS = {
    "submit, results in a queue": {
        "this package": ours_submit,
        "the original": ours_submit,
        "ThreadPoolExecutor": library_submit,
        "ThreadPool": multiprocessing_submit,
    },
    "submit, a future for each": {
        "this package": ours_futures,
        "ThreadPoolExecutor": library_futures,
    },
    "map": {
        "this package": ours_map,
        "the original": ours_map,
        "ThreadPoolExecutor": library_map,
        "ThreadPool": multiprocessing_map,
    },
}


def measure(python, work, who, jobs, threads):
    command = [python, __file__, "--one", work, who, "--jobs", str(jobs), "--threads", str(threads)]
    return float(subprocess.run(command, check=True, timeout=300, capture_output=True, text=True).stdout)


def one(work, who, jobs, threads):
    function = WORKS[work][who]
    times = []
    # The first has the pages of memory made.
    for _ in range(4):
        began = time.perf_counter()
        count = function(jobs, threads)
        times.append(time.perf_counter() - began)
        assert count == jobs, f"{count} of {jobs}"
    print(statistics.median(times[1:]) / jobs * 1e9)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--original")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=2)
    options = parser.parse_args()
    jobs, rounds = (5_000, 1) if options.quick else (options.jobs, options.rounds)
    if options.one:
        return one(*options.one, options.jobs, options.threads)
    pythons = {"the original": options.original}
    for work, peers in WORKS.items():
        peers = [who for who in peers if pythons.get(who, sys.executable)]
        times = {who: [] for who in peers}
        for _ in range(rounds):
            for who in peers:
                times[who].append(measure(pythons.get(who, sys.executable), work, who, jobs, options.threads))
        medians = {who: statistics.median(times[who]) for who in peers}
        print(f"{work}: {jobs} jobs, {options.threads} threads, {rounds} rounds")
        for who, median in medians.items():
            print(f"  {who:20}{median:10.0f} ns  {median / medians['this package']:6.2f} x")


main()
