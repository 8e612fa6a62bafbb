// Runs a program for WASI, preview 1: node --no-warnings wasi.mjs FILE [ARGUMENTS]

import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', args: process.argv.slice(2), returnOnExit: true });

let sleeps = 0;
const system = {
  ...wasi.wasiImport,
  poll_oneoff(...args) {
    sleeps += 1;
    return wasi.wasiImport.poll_oneoff(...args);
  },
};

// What Debian's libc for WASI lacks of that which std calls for a thread: it is not supported.
const NOTSUP = 58;
const env = {
  pthread_attr_init: () => 0,
  pthread_attr_setstacksize: () => 0,
  pthread_attr_destroy: () => 0,
  pthread_create: () => NOTSUP,
  pthread_join: () => NOTSUP,
  pthread_detach: () => NOTSUP,
};

const module = await WebAssembly.compile(await readFile(process.argv[2]));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: system, env });
process.exitCode = wasi.start(instance);
if (process.exitCode === 0 && sleeps === 0) {
  console.error('FAILED: it has waited without any sleep');
  process.exitCode = 1;
}
