//! Programs under simulation.
