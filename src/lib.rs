//! The `ramen` binary's insides: every service in one process, or one per process, and the tools
//! around them.
//!
//! Reading order: `cli` (the list of commands), `stack` (how services are put together), `services`
//! (`up`, `all` and single services), then the tools: `import`, `import-menu`, `demo`, `simulate`, `check`,
//! `chaos`, `token`.
//!
//! To add a command: a variant of `cli::Command` and the module that it names.

mod bench;
mod chaos;
mod check;
pub mod cli;
pub mod client;
mod console;
mod demo;
mod door;
mod import;
mod import_menu;
mod local;
mod pools;
mod prove;
pub mod published;
mod ready;
mod rebuild;
pub mod redrive;
mod rehearsal;
mod rig;
mod running;
mod services;
mod simulate;
pub mod stack;
mod token;
