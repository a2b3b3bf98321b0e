//! Each use case at the public API, in the folder of its context as the handlers are.

mod identity;
mod ops;
