//! Weak handles: upgraded while the last of the others goes, and while their group does.

use shuttle::thread;

use super::{Tally, check_balance, model, pool};
use crate::Pool;

/// While somebody has a handle again nobody ends the pool, whoever drops the others.
#[test]
fn a_weak_handle_meets_the_drop_of_the_last_one() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap().with_results::<()>(), Tally::default());
        let upgrade = {
            let (weak, tally) = (pool.downgrade(), tally.clone());
            thread::spawn(move || {
                let submit = |pool: Pool| pool.submit(tally.job()).expect("it has a handle");
                weak.upgrade().map(submit).is_some()
            })
        };
        // The checker does not choose where a handle is counted, but here.
        pool.submit(tally.job()).unwrap();
        drop(pool);
        let accepted = upgrade.join().unwrap();
        assert_eq!((tally.ran(), tally.left()), (1 + usize::from(accepted), 0));
    });
}

/// A group that nobody can reach is gone for weak handles, too.
#[test]
fn a_weak_handle_meets_the_end_of_its_group() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let texts = pool.with_results::<u8>();
        let weak = texts.downgrade();
        let dropper = thread::spawn(move || drop(texts));
        let again = weak.upgrade();
        if let Some(texts) = &again {
            texts.submit(tally.with(|| 7)).unwrap();
        }
        dropper.join().unwrap();
        pool.shutdown();
        if let Some(texts) = again {
            assert!(texts.done().is_closed() && texts.done().len() == 1);
        } else {
            assert!(weak.upgrade().is_none());
        }
        assert_eq!(tally.left(), 0);
        check_balance(&pool);
    });
}
