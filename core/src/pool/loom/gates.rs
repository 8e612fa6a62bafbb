//! Jobs at gates, pauses.
