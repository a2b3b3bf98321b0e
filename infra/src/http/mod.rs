//! The rules of the wire, for both services: who calls, what the body may be, how an answer says no,
//! how a repeat is answered, and the loop that accepts connections. What a route does is not here.
//!
//! Reading order: [`edge`] (what every request passes), [`problem`] (how an answer says no), [`json`],
//! [`query`], [`path`] (what comes in), [`policy`] and [`auth`] (who may), [`token`], [`logins`],
//! [`idempotency`], [`consistency`], [`conditional`], then [`rate`], [`overload`], [`serve`], [`health`].

pub mod auth;
pub mod conditional;
pub mod consistency;
pub mod cors;
pub mod edge;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod logins;
pub mod overload;
pub mod path;
pub mod peer;
pub mod policy;
pub mod problem;
pub mod query;
pub mod rate;
pub mod request_id;
mod security;
pub mod serve;
pub mod sign_in_rate;
mod stall;
pub mod token;
mod tracestate;
mod unread;

pub use auth::{Caller, Customer, Driver, Ops, Principal, RestaurantStaff, Shopper};
pub use consistency::{Consistency, ConsistencyToken};
pub use edge::Edge;
pub use idempotency::{CommandRecord, Idempotency, IdempotencyRequired};
pub use json::{Json, RawBody};
pub use path::Path;
pub use problem::{ApiError, Problem, Refused, Unavailable};
pub use query::Query;
pub use sign_in_rate::SignInRate;
