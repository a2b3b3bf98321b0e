//! Runs the processes of the domain: `runner` folds the feed into states, effects and timers, in one
//! transaction with its position; `timers` turns what is due into effects; `effects` takes them from
//! `effect_table` and has `performer` perform them; `tables` keeps all of that; `retention` deletes what
//! has grown old. Only the leader runs any of it. What a process decides is in `domain::processes`.

mod commands;
mod effect_table;
mod effects;
pub mod inbox;
mod performer;
mod retention;
mod runner;
pub mod tables;
mod timers;

pub use effects::{EffectRunner, EffectsInFlight};
pub use retention::Retention;
pub use runner::{Runner, RunnerError};
pub use timers::Timers;
pub(crate) use timers::timer_move;
