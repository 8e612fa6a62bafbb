//! The columns: this pool, what no pool can beat, and the others.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Ours,
    Floor,
    Rayon,
    Chili,
    Forte,
    Orx,
    Kanal,
    Crossbeam,
    RustyPool,
    ThreadPool,
    Futures,
    Tokio,
    TokioBlocking,
    Scheduled,
    AsyncLock,
    ParkingLot,
    ByHand,
}

impl Peer {
    pub const ALL: [Self; 17] = [
        Self::Ours,
        Self::Floor,
        Self::Rayon,
        Self::Chili,
        Self::Forte,
        Self::Orx,
        Self::Kanal,
        Self::Crossbeam,
        Self::RustyPool,
        Self::ThreadPool,
        Self::Futures,
        Self::Tokio,
        Self::TokioBlocking,
        Self::Scheduled,
        Self::AsyncLock,
        Self::ParkingLot,
        Self::ByHand,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "fastthreadpool",
            Self::Floor => "floor",
            Self::Rayon => "rayon",
            Self::Chili => "chili",
            Self::Forte => "forte",
            Self::Orx => "orx-parallel",
            Self::Kanal => "kanal",
            Self::Crossbeam => "crossbeam",
            Self::RustyPool => "rusty_pool",
            Self::ThreadPool => "threadpool",
            Self::Futures => "futures",
            Self::Tokio => "tokio",
            Self::TokioBlocking => "tokio blocking",
            Self::Scheduled => "scheduled",
            Self::AsyncLock => "async-lock",
            Self::ParkingLot => "parking_lot",
            Self::ByHand => "mutex+condvar",
        }
    }
}
