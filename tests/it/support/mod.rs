//! `TestApp`: every service in process over a database of its own, on a clock that only tests move,
//! with loops that tests step. What it cannot do is wait: [`TestApp::settle`] works until all is idle.

mod app;
mod collector;
mod http;
mod market;
mod people;
mod wire;

pub(crate) use app::TestApp;
pub(crate) use collector::{Collector, Exporting, Span};
pub(crate) use http::Answer;
pub(crate) use market::{Shop, address, menu};
pub(crate) use people::{Role, Session};
pub(crate) use wire::Wire;
