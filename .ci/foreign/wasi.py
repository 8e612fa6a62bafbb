"""Runs a program of wasm32-wasip1 with wasmtime: PROGRAM [ARGUMENT...]."""

import os
import sys

import wasmtime

engine = wasmtime.Engine()
module = wasmtime.Module.from_file(engine, sys.argv[1])
linker = wasmtime.Linker(engine)
linker.define_wasi()
# Threads cannot be started: whoever tries is told so.
for function in module.imports:
    if function.module == "env":
        linker.define_func("env", function.name, function.type, lambda *_: 58)
store = wasmtime.Store(engine)
wasi = wasmtime.WasiConfig()
wasi.argv = sys.argv[1:]
wasi.inherit_stdout()
wasi.inherit_stderr()
wasi.env = [(name, value) for name, value in os.environ.items() if name.startswith(("RUST_", "PROPTEST_"))]
store.set_wasi(wasi)
try:
    linker.instantiate(store, module).exports(store)["_start"](store)
except wasmtime.ExitTrap as end:
    sys.exit(end.code)
