//! The write side: HTTP commands, processes, gateways to vendors, and the publisher.
//!
//! Reading order: `execute` (how a command comes to a commit), `http` (the use cases), `processes`
//! (what follows from events), `gateways` (who is called), `publisher` (how events leave), `app` (how
//! it is put together).
//!
//! To add a command: a variant in the domain, a handler file under `http`, its line in `routes`.

pub mod app;
pub mod error;
pub mod execute;
pub mod gateways;
pub mod http;
pub mod metadata;
pub mod processes;
pub mod publisher;
pub mod quotes;
mod vitals;

pub use app::{App, Deps, Publishing};
pub use http::{ParkedName, Redrive, RedriveError, Redriven};
