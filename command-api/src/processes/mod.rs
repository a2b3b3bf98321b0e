//! Runs the processes of the domain: `runner` folds the feed into states, effects and timers, in one
//! transaction with its position; `timers` turns what is due into effects; `effects` performs them.
//! Only the leader runs any of it. What a process decides is in `domain::processes`.

mod commands;
mod effects;
pub mod inbox;
mod runner;
mod timers;

pub use effects::{EffectRunner, EffectsInFlight};
pub use runner::Runner;
pub use timers::Timers;
