//! The read side against a real database and a real index: who sees what, what is kept and when it is
//! dropped, reading what one has written, following an order, and searching.

mod answers;
mod caching;
mod following;
mod rows;
mod scopes;
mod searching;
mod world;
