//! A driver of ours: registered, approved, suspended.

mod command;
mod decide;
mod event;
mod rejection;
mod state;
mod transitions;

pub use command::{DriverCommand, DriverCommandKind};
pub use event::{DriverEvent, Vehicle};
pub use rejection::DriverRejection;
pub use state::{Driver, DriverBody, DriverStage};
pub use transitions::TRANSITIONS;
