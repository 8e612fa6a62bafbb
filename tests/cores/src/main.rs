//! The core on simulated cores.
mod host;
mod lines;
mod machine;
mod works;
mod world;
#[allow(non_snake_case)]
fn main() {
    let mut XEON = machine::XEON;
    if let Ok(v) = std::env::var("STREAMS") { XEON.streams = v.parse().unwrap() }
    if let Ok(v) = std::env::var("WAY") { XEON.way = v.parse().unwrap() }
    if let Ok(v) = std::env::var("HOLD") { XEON.hold = v.parse().unwrap() }
    if let Ok(v) = std::env::var("FETCHES") { XEON.fetches = v.parse().unwrap() }
    if let Ok(v) = std::env::var("RECALL") { XEON.recall = v.parse().unwrap() }

    for n in [1, 2, 4, 8, 15] { println!("{n:2} on one line: {:6.1}", lines::contended(XEON, n)); }
    for n in [0, 1, 2, 4, 8, 14] { println!("polled by {n:2}: {:6.1}", lines::polled(XEON, n)); }
    for (exchanges, locked_tail) in [(false, false), (true, false), (false, true), (true, true)] {
        print!("ring exch {exchanges} tail {locked_tail}:");
        for ahead in [0, 4, 8, 16] { print!(" {:6.1}", lines::ring(XEON, lines::Ring { exchanges, locked_tail, ahead })); }
        println!();
    }
    let args: Vec<String> = std::env::args().collect();
    let show = |name: String, m: works::Measured| {
        print!("{name:40} {:7.1} ns  {:5.2} transfers {:5.2} locked {:5.2} asked ", m.time, m.transfers, m.locked, m.asked);
        for (n, c, w) in m.lines.iter().take(if args.len() > 1 { 8 } else { 0 }) { print!(" {n} {c:.2}/{w:.0}ns;"); }
        println!();
    };
    if let Ok(v) = std::env::var("ONE") { let v: Vec<u64> = v.split(',').map(|x| x.parse().unwrap()).collect();
        show(format!("{v:?}"), works::run(XEON, 1, works::Work::Submit { producers: v[0] as usize, nanoseconds: v[2] }, v[1] as usize, 20000)); return; }
    for p in [1, 8] { for w in [1, 4, 15] { show(format!("submit, {p} producers, {w} workers"), works::run(XEON, 1, works::Work::Submit { producers: p, nanoseconds: 0 }, w, 20000)); } }
    for w in [1, 2, 4, 8, 15] { show(format!("200 ns on {w}"), works::run(XEON, 1, works::Work::Submit { producers: 1, nanoseconds: 200 }, w, 20000)); }
    for w in [1, 4, 15] { show(format!("tree on {w}"), works::run(XEON, 1, works::Work::Tree, w, 16384)); }
}
