//! What a simulation is.

use fastthreadpool::Pool;
use fastthreadpool::simulation::Simulation;

#[test]
fn panics() {
    let failed = Simulation::new(0).panicking_jobs(0.5).run(|| {
        let pool = Pool::new().unwrap();
        (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
        pool.wait_idle();
        assert_eq!(pool.done().len() + pool.failed().len(), 100);
        pool.failed().len()
    });
    assert!((20..80).contains(&failed));
}
