//! Views and index made anew by the built binary, beside a marketplace that goes on.

mod killed;
