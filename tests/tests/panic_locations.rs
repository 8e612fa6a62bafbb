//! Where a job has panicked. A program of its own: the panic hook is the whole process's, and others compare the texts of panics.

use fastthreadpool::{JobError, Pool};

#[test]
fn a_panic_says_where_it_was() {
    let pool: Pool<u8> = Pool::builder().threads(1).panic_locations().panic_locations().build().unwrap();
    let line = line!() + 1;
    pool.submit(|| -> u8 { panic!("here") }).unwrap();
    let JobError::Panicked(panic) = pool.failed().pop().unwrap().error else { panic!("it panicked") };
    assert!(panic.location().unwrap().starts_with(&format!("{}:{line}:", file!())), "{panic}");
    assert_eq!(panic.to_string(), format!("here, at {}", panic.location().unwrap()));
    // Said once: the next has its own, or none.
    pool.submit(|| -> u8 { std::panic::resume_unwind(Box::new("elsewhere")) }).unwrap();
    let JobError::Panicked(panic) = pool.failed().pop().unwrap().error else { panic!("it panicked") };
    assert_eq!((panic.message(), panic.location()), ("elsewhere", None));
}
