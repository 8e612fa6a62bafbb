"""Runs the original's own tests and examples on this package, as they are.

    original.py FOLDER

FOLDER has its `tests` and `examples`. What would take too long, or asks for another Python by name, is called with less than it asks for by
itself; each such is said. Wants pytest, zstandard and msgpack.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

# Without the helper `test` of its benchmarks, which pytest takes for one.
NAMES = "python_functions=test_*"
TESTS = 18


def run(title, *command, limit=300, cwd=None, path=()):
    print(f"--> {title}", flush=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(map(str, path))}
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, *map(str, command)],
        timeout=limit,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ended.returncode != 0:
        print(ended.stdout)
        sys.exit(f"{title}: status {ended.returncode}")
    print(f"    {time.monotonic() - began:.1f} s")
    return ended.stdout


def expect(title, output, *lines):
    """So often, at least, each of these is in it."""
    for text, count in lines:
        if output.count(text) < count:
            print(output)
            sys.exit(f"{title}: {text!r} is not there {count} times")


def tests(folder):
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder / "tests"]
    output = run("tests", *options, "-o", NAMES, folder / "tests")
    expect("tests", output, (f"{TESTS} passed", 1))


def examples(folder, work):
    examples = folder / "examples"
    output = run("ex_submit_later", examples / "ex_submit_later.py")
    expect("ex_submit_later", output, ("Hallo1s", 3), ("Hallo1.1s", 1), ("Hallo2s", 1), ("Hallo3s", 1), ("Done World", 1))
    output = run("ex_schedule", examples / "ex_schedule.py")
    expect("ex_schedule", output, (" Hallo 1s", 9), ("Done World Hallo 1.5s", 3), ("Submit At\n", 1), ("Submit At 2", 1))
    # At 1.9 s, and every 0.8 s until 10 s. The original runs it once more or less.
    expect("ex_schedule", output, ("Submit At Interval", 9), ("EXIT", 1))
    output = run("ex_simple_sum", examples / "ex_simple_sum.py")
    expect("ex_simple_sum", output, (" 1249975000\n", 5), (" 2499950000\n", 1))
    output = run("ex_semaphore", examples / "ex_semaphore.py")
    expect("ex_semaphore", output, ("fastthreadpool.map", 1))
    output = run("ex_decompress_unpack", examples / "ex_decompress_unpack.py")
    expect("ex_decompress_unpack", output, (" 1000\n", 11))

    text = """
import ex_compress_pack as example
import fastthreadpool
data = [list(range(4000)) for _ in range(50)]
packed = [example.worker(item) for item in data]
for worker in example.worker, example.worker_gc:
    pool = fastthreadpool.Pool()
    pool.map(worker, data)
    pool.shutdown()
    assert list(pool.done).count(packed[0]) == 50, pool.failed
"""
    run("ex_compress_pack, 50 lists of 4,000 numbers instead of 1,000 of 40,000", "-c", text, path=[examples])

    text = """
import filecmp, os, sys
import test_fastcopy, fastcopy, fastrmtree
test_fastcopy.CreateDirs("tree/base", 4, 16, 3)
fastcopy.main("tree", "copy")
def same(compared):
    assert not (compared.left_only or compared.right_only or compared.diff_files or compared.funny_files)
    for inner in compared.subdirs.values():
        same(inner)
same(filecmp.dircmp("tree", "copy"))
for tree in "tree", "copy":
    fastrmtree.main(tree)
    assert not os.path.exists(tree)
"""
    run("fastcopy and fastrmtree, 64 folders instead of 2,560", "-c", text, cwd=work, path=[examples])

    text = """
import benchmark
benchmark.TestSemaphore().run(10_000)
benchmark.TestValues().run(20_000)
benchmark.TestLists().run(200, 1000)
benchmark.TestCompress().run(100, 50)
"""
    output = run("benchmark, with a fiftieth of its values, and less", "-c", text, path=[examples / "benchmarks"])
    sums = [" 199990000 " + name for name in ("map\n", "map_done_cb", "submit\n", "submit_done_cb", "map_gen_done_cb")]
    expect("benchmark", output, *((line, 1) for line in sums))


def echo(folder):
    """The server in the pool; its own benchmark asks for `python3.7`."""
    benchmarks = folder / "examples" / "benchmarks"
    address = "127.0.0.1:25123"
    command = [sys.executable, benchmarks / "echoserver.py", "--pool", "--threads", "4", "--addr", address]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", 25123), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        arguments = ["--msize", "4096", "--num", "2000", "--workers", "2", "--addr", address]
        output = run("echoserver and echoclient", benchmarks / "echoclient.py", *arguments)
        expect("echoclient", output, ("4000 messages with 4096 bytes", 1))
        assert server.poll() is None, "the server has ended"
    finally:
        server.terminate()
        server.wait(60)


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    tests(folder)
    with tempfile.TemporaryDirectory() as work:
        examples(folder, work)
    echo(folder)
    print(f"the original's own: {TESTS} tests and all examples pass")


main()
