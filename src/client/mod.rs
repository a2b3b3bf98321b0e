//! A client of our own public HTTP API, for the commands that use the marketplace as others do:
//! `import`, `demo` and `simulate`. It knows the API's conventions (tokens, idempotency keys,
//! consistency tokens, versions, problem details) and nothing of the server's types.

mod answer;
mod followed;
mod latency;
mod people;
mod routes;
mod session;
mod sse;
mod stripe;

pub(crate) use answer::{Answer, CallError};
pub(crate) use followed::{Followed, Seen};
pub(crate) use latency::Latencies;
pub(crate) use people::{Door, Person, Role, id_of};
pub(crate) use routes::{Courier, Customer, Dispatcher, Kitchen, Line};
pub(crate) use session::{Api, Session};
pub(crate) use stripe::{CardForm, Confirmation};
