//! Names the work and the peer that hang, and ends the program: it would say nothing otherwise.

use std::process;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any round takes, a minute of periodic runs included.
const PATIENCE: Duration = Duration::from_secs(180);

struct Doing {
    what: String,
    since: Instant,
}

pub struct Watchdog(Arc<Mutex<Doing>>);

impl Watchdog {
    pub fn start() -> Self {
        let doing = Arc::new(Mutex::new(Doing { what: String::new(), since: Instant::now() }));
        let watched = Arc::clone(&doing);
        thread::spawn(move || {
            loop {
                thread::sleep(PATIENCE / 4);
                let doing = watched.lock().expect("nobody panics here");
                if doing.since.elapsed() > PATIENCE {
                    eprintln!("no end in {} s: {}", PATIENCE.as_secs(), doing.what);
                    process::exit(1);
                }
            }
        });
        Self(doing)
    }

    pub fn begin(&self, work: &str, peer: &str) {
        let doing = Doing { what: format!("{work}, {peer}"), since: Instant::now() };
        *self.0.lock().expect("nobody panics here") = doing;
    }
}
