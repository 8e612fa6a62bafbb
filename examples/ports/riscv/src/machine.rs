//! The machine: QEMU's `virt`. How its harts begin, their registers, its serial port, its exit. A product has this from
//! its vendor or from crates like `riscv-rt`.

use core::arch::{asm, global_asm};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use fastthreadpool_core::hosts::SpinMutex;
use lock_api::Mutex;

/// How many harts run. A hart beyond them sleeps for ever.
pub(crate) const HARTS: usize = 2;

// All harts begin here, in machine mode, with interrupts off. The first one clears `.bss`, and calls the others with a
// software interrupt when it likes: until then they touch no memory.
global_asm!(
    ".section .init, \"ax\"",
    ".globl _start",
    "_start:",
    "    csrr a0, mhartid",
    "    li   t0, {harts}",
    "    bgeu a0, t0, 4f",
    "    la   t0, 5f",
    "    csrw mtvec, t0",
    "    la   sp, __stacks_end",
    "    slli t0, a0, 16",
    "    sub  sp, sp, t0",
    "    bnez a0, 2f",
    "    la   t0, __bss_start",
    "    la   t1, __bss_end",
    "1:  bgeu t0, t1, 3f",
    "    sw   zero, 0(t0)",
    "    addi t0, t0, 4",
    "    j    1b",
    "2:  li   t0, {software}",
    "    csrw mie, t0",
    "    wfi",
    "    csrr t1, mip",
    "    and  t1, t1, t0",
    "    beqz t1, 2b",
    "    fence iorw, iorw",
    "3:  tail {main}",
    "4:  csrw mie, zero",
    "    wfi",
    "    j    4b",
    "    .balign 4",
    "5:  tail {trap}",
    harts = const HARTS,
    software = const SOFTWARE,
    main = sym crate::main,
    trap = sym trap,
);

/// Bits of `mie` and `mip`: the software and the timer interrupt of machine mode.
const SOFTWARE: usize = 1 << 3;
const TIMER: usize = 1 << 7;

// The CLINT: an `msip` word for each hart, a 64-bit `mtimecmp` for each hart, one 64-bit `mtime` for all.
const MSIP: usize = 0x0200_0000;
const MTIMECMP: usize = 0x0200_4000;
const MTIME: usize = 0x0200_BFF8;
const UART: usize = 0x1000_0000;
const EXIT: usize = 0x0010_0000;

/// Ticks of `mtime` in a millisecond.
pub(crate) const TICKS_PER_MS: u64 = 10_000;

fn read(register: usize) -> u32 {
    // SAFETY: only registers of this machine are asked for; reading them has no effect on memory.
    unsafe { (register as *const u32).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: as in `read`.
    unsafe { (register as *mut u32).write_volatile(value) }
}

/// Everything before it is seen, by other harts and by devices, before everything after it.
fn fence() {
    // SAFETY: orders, and does nothing else. Not `nomem`: the compiler is to keep the order, too.
    unsafe { asm!("fence iorw, iorw", options(nostack, preserves_flags)) }
}

/// The number of the hart that asks.
pub(crate) fn hart() -> usize {
    let hart: usize;
    // SAFETY: reads a register that never changes.
    unsafe { asm!("csrr {}, mhartid", out(reg) hart, options(nomem, nostack, preserves_flags)) }
    hart
}

/// The ticks of the clock that all harts share. Two loads on a 32-bit machine, and a carry may come in between: so the
/// upper half is read before and after, until both are the same.
pub(crate) fn mtime() -> u64 {
    loop {
        let (high, low) = (read(MTIME + 4), read(MTIME));
        if high == read(MTIME + 4) {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn halves(ticks: u64) -> (u32, u32) {
    ((ticks >> 32) as u32, ticks as u32)
}

/// Sets the clock. Only before anybody has read it.
pub(crate) fn set_mtime(ticks: u64) {
    let (high, low) = halves(ticks);
    write(MTIME, 0);
    write(MTIME + 4, high);
    write(MTIME, low);
}

/// Has this hart interrupted at a time; `u64::MAX`: never.
pub(crate) fn set_alarm(ticks: u64) {
    let (high, low) = halves(ticks);
    let register = MTIMECMP + 8 * hart();
    // In between the two halves never make a time that is earlier than both the old and the new one.
    write(register, u32::MAX);
    write(register + 4, high);
    write(register, low);
}

/// Interrupts a hart: what was written before is seen by it after its wait.
pub(crate) fn interrupt<const HART: usize>() {
    fence();
    write(MSIP + 4 * HART, 1);
}

/// Sleeps until the alarm or an interrupt from another hart, and takes that interrupt.
///
/// None is served, as `mstatus.MIE` is always off: `wfi` ends when one that `mie` lets through is pending, and returns at
/// once if it is already. So nothing that comes just before the `wfi` is slept through.
pub(crate) fn wait_for_interrupt() {
    // SAFETY: no interrupt is ever served, so no register and no memory changes behind the compiler's back.
    unsafe { asm!("csrw mie, {}", "wfi", in(reg) SOFTWARE | TIMER, options(nostack, preserves_flags)) }
    write(MSIP + 4 * hart(), 0);
    SLEEPS[hart()].fetch_add(1, Ordering::Relaxed);
    // Whoever looks now what it was woken for sees what was written before each interrupt that was taken just now.
    fence();
}

/// How often each hart has waited: for the checks.
static SLEEPS: [AtomicU32; HARTS] = [const { AtomicU32::new(0) }; HARTS];

/// How often each hart has waited.
pub(crate) fn sleeps() -> [u32; HARTS] {
    [0, 1].map(|hart: usize| SLEEPS[hart].load(Ordering::Relaxed))
}

/// The serial port.
struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: registers of the machine's 16550; byte access, as it wants.
            unsafe {
                while (UART as *const u8).add(5).read_volatile() & 0x20 == 0 {}
                (UART as *mut u8).write_volatile(byte);
            }
        }
        Ok(())
    }
}

/// One hart prints at a time.
static SERIAL: Mutex<SpinMutex, Serial> = Mutex::new(Serial);

/// Prints a line.
pub(crate) fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(SERIAL.lock(), "{line}");
}

/// Ends the run, on all harts.
pub(crate) fn exit(succeeded: bool) -> ! {
    loop {
        write(EXIT, if succeeded { 0x5555 } else { 1 << 16 | 0x3333 });
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // Not through the lock: the hart that panics may hold it.
    let _ = writeln!(Serial, "\nhart {}: {info}", hart());
    exit(false)
}

/// Where exceptions lead: a defect, as interrupts are never served.
extern "C" fn trap() -> ! {
    let (cause, at): (usize, usize);
    // SAFETY: reads two registers.
    unsafe { asm!("csrr {}, mcause", "csrr {}, mepc", out(reg) cause, out(reg) at, options(nomem, nostack)) }
    panic!("trap {cause} at {at:#x}")
}
