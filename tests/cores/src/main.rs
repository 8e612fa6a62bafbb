//! The core on simulated cores.
mod host;
mod lines;
mod machine;
mod works;
mod world;
#[allow(non_snake_case)]
fn main() {
    let mut XEON = machine::XEON;
    if let Ok(v) = std::env::var("STREAMS") {
        XEON.streams = v.parse().unwrap()
    }
    if let Ok(v) = std::env::var("WAY") {
        XEON.way = v.parse().unwrap()
    }
    if let Ok(v) = std::env::var("HOLD") {
        XEON.hold = v.parse().unwrap()
    }
    if let Ok(v) = std::env::var("FETCHES") {
        XEON.fetches = v.parse().unwrap()
    }
    if let Ok(v) = std::env::var("RECALL") {
        XEON.recall = v.parse().unwrap()
    }

    if std::env::var("LINES").is_ok() {
        for n in [1, 2, 4, 8, 15] {
            println!("{n:2} on one line: {:6.1}", lines::contended(XEON, n));
        }
        for n in [0, 1, 2, 4, 8, 14] {
            println!("polled by {n:2}: {:6.1}", lines::polled(XEON, n));
        }
        for (exchanges, locked_tail) in [(false, false), (true, false), (false, true), (true, true)] {
            print!("ring exch {exchanges} tail {locked_tail}:");
            for ahead in [0, 4, 8, 16] {
                print!(" {:6.1}", lines::ring(XEON, lines::Ring { exchanges, locked_tail, ahead }));
            }
            println!();
        }
    }
    let args: Vec<String> = std::env::args().collect();
    let show = |name: String, f: &dyn Fn(u64) -> works::Measured| {
        let mut all: Vec<_> = (1..=3).map(f).collect();
        all.sort_by(|a, b| a.time.total_cmp(&b.time));
        let (lo, hi) = (all[0].time, all[2].time);
        let m = &all[1];
        print!(
            "{name:26} {:6.1} ({lo:5.1}-{hi:5.1}) tr {:5.2} lck {:5.2} awk {:4.1} ",
            m.time, m.transfers, m.locked, m.awake
        );
        for (n, c, w) in m.lines.iter().take(if args.len() > 1 { 8 } else { 0 }) {
            print!(" {n} {c:.2}/{w:.0};");
        }
        println!();
    };
    use works::Work::*;
    if let Ok(v) = std::env::var("ONE") {
        let v: Vec<u64> = v.split(',').map(|x| x.parse().unwrap()).collect();
        show(format!("{v:?}"), &|seed| {
            works::run(XEON, seed, Submit { producers: v[0] as usize, nanoseconds: v[2] }, v[1] as usize, v[3] as usize)
        });
        return;
    }
    for p in [1, 8] {
        for w in [1, 4, 15] {
            show(format!("submit, {p} prod, {w} workers"), &|seed| {
                works::run(XEON, seed, Submit { producers: p, nanoseconds: 0 }, w, 60000)
            });
        }
    }
    for w in [1, 2, 4, 8, 15] {
        show(format!("200 ns on {w}"), &|seed| {
            works::run(XEON, seed, Submit { producers: 1, nanoseconds: 200 }, w, 40000)
        });
    }
    for w in [8, 15] {
        show(format!("1000 ns on {w}"), &|seed| {
            works::run(XEON, seed, Submit { producers: 1, nanoseconds: 1000 }, w, 20000)
        });
    }
    for w in [1, 4, 15] {
        show(format!("tree on {w}"), &|seed| works::run(XEON, seed, Tree, w, 16384));
    }
}
