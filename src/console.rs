//! The one place of the binary that writes to the terminal. Logs go through `tracing` instead.
//!
//! A closed pipe (`ramen demo | head`) is no failure: what can no longer be read is dropped.

use std::fmt::Display;
use std::io::Write;

/// Writes one line of the command's answer to standard output.
pub(crate) fn line(text: impl Display) {
    write_line(&mut std::io::stdout().lock(), &text);
}

/// Writes one line about what goes on to standard error, so that answers can be piped.
pub(crate) fn progress(text: impl Display) {
    write_line(&mut std::io::stderr().lock(), &text);
}

fn write_line(out: &mut dyn Write, text: &dyn Display) {
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        // The reader has gone; nobody is left to be told.
    }
}
