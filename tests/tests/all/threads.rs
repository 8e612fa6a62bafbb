//! How many threads there are, what they are called, where they run.

use std::sync::{Arc, Mutex};
use std::thread;

use fastthreadpool::Pool;

use crate::support::{Occupied, pool};

#[test]
fn a_pool_counts_its_threads() {
    let pool: Pool = pool(3);
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 0, 0, 0));
    let one = Occupied::new(&pool);
    let two = Occupied::new(&pool);
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 2, 2, 0));
    drop(one);
    drop(two);
    pool.wait_idle();
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 2, 0, 2));
}

#[test]
fn a_thread_knows_whose_it_is_and_its_number() {
    let (one, other): (Pool, Pool) = (pool(2), pool(1));
    let _occupied = Occupied::new(&one);
    let asks = {
        let (one, other) = (one.clone(), other.clone());
        move || {
            let name = thread::current().name().map(str::to_owned);
            // What it waits for runs on another thread.
            let elsewhere = other.clone();
            let of_other = other.spawn(move || elsewhere.thread_number()).unwrap().join().unwrap();
            (name, one.thread_number(), other.thread_number(), of_other)
        }
    };
    let answer = one.spawn(asks).unwrap().join().unwrap();
    assert_eq!(answer, (Some("ThreadPool-2".to_owned()), Some(2), None, Some(1)));
    assert_eq!(one.thread_number(), None);
}

#[test]
fn a_hook_has_the_number_of_its_thread() {
    let handle: Arc<std::sync::OnceLock<Pool>> = Arc::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (weak, sees) = (Arc::downgrade(&handle), Arc::clone(&seen));
    let see = move |number| {
        let of_pool = weak.upgrade().and_then(|pool| pool.get()?.thread_number());
        sees.lock().unwrap().push((number, of_pool));
    };
    let pool: Pool = Pool::builder().threads(1).on_thread_start(see).build().unwrap();
    handle.set(pool.clone()).unwrap();
    pool.run(|| ());
    assert_eq!(*seen.lock().unwrap(), [(1, Some(1))]);
}

#[cfg(target_os = "linux")]
fn shown() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn of_a_long_name_the_system_shows_the_number_and_std_all() {
    let prefix = "a rather long prefix";
    let pool: Pool = Pool::builder().threads(2).name_prefix(prefix).build().unwrap();
    let _occupied = Occupied::new(&pool);
    let name = || (shown(), thread::current().name().map(str::to_owned));
    let (shown, whole) = pool.spawn(name).unwrap().join().unwrap();
    assert_eq!((shown.as_str(), whole), ("a rather long-2", Some(format!("{prefix}-2"))));
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_of_a_callback_is_shown_by_what_it_calls() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let name = move |_| sender.send(shown()).unwrap();
    let pool: Pool<u8> = Pool::builder().threads(1).name_prefix("a rather long prefix").on_done(name).build().unwrap();
    pool.submit(|| 1).unwrap();
    assert_eq!(receiver.recv().unwrap(), "a rather l-done");
}

#[test]
fn names_may_be_made_of_numbers() {
    let name = |pool: &Pool| pool.spawn(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap();
    let named = |name: fn(usize) -> String| Pool::builder().threads(1).name_prefix("p").thread_name(name).build();
    assert_eq!(name(&named(|number| format!("no. {number}")).unwrap()).as_deref(), Some("no. 1"));
    assert_eq!(name(&named(|_| "a\0b".into()).unwrap()).as_deref(), Some("ab"), "no thread can be called so");
    assert_eq!(name(&named(|_| panic!("no name")).unwrap()).as_deref(), Some("p-1"));
}
