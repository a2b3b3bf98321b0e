//! Planted faults: the checker finds each of them.
