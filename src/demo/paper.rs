//! How the demo's lines look: numbers right, names left, colour only on a terminal.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::time::Duration;

use crate::console;

/// Where the demo writes.
pub(crate) struct Paper {
    colour: bool,
}

impl Paper {
    /// Standard output, in colour when it is a terminal.
    pub(crate) fn new() -> Self {
        Self {
            colour: std::io::stdout().is_terminal(),
        }
    }

    /// A heading with an empty line above.
    pub(crate) fn heading(&self, text: impl Display) {
        console::line("");
        console::line(self.paint("1", text));
    }

    /// What was done, how long the answer took, and how long until the event was seen.
    pub(crate) fn hop(&self, what: &str, took: Duration, seen: Option<(&str, Duration)>) {
        let seen = seen.map_or_else(String::new, |(event, after)| {
            let arrow = self.paint("32", format!("→ {event}"));
            format!("   {arrow} seen after {}", millis(after))
        });
        console::line(format!("  {:>9}  {what}{seen}", millis(took)));
    }

    /// Something to know about the hop above.
    pub(crate) fn detail(&self, text: impl Display) {
        console::line(format!("             {}", self.paint("2", text)));
    }

    /// A plain line.
    pub(crate) fn line(text: impl Display) {
        console::line(format!("  {text}"));
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }
}

/// Milliseconds with one digit below ten, such as `3.4 ms` and `128 ms`.
pub(crate) fn millis(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1_000.0;
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

/// An amount in minor units as people write it, such as `TWD 280.00`.
pub(crate) fn money(amount_minor: i64, currency: &str) -> String {
    let digits = domain::kernel::currency::Currency::parse(currency)
        .map_or(2, domain::kernel::currency::Currency::minor_digits);
    let unit = 10_i64.pow(u32::from(digits));
    if digits == 0 {
        return format!("{currency} {amount_minor}");
    }
    let (whole, rest) = (amount_minor / unit, (amount_minor % unit).abs());
    format!(
        "{currency} {whole}.{rest:0width$}",
        width = usize::from(digits)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_amounts_read_well() {
        assert_eq!(millis(Duration::from_micros(3_440)), "3.4 ms");
        assert_eq!(millis(Duration::from_millis(128)), "128 ms");
        assert_eq!(money(28_000, "TWD"), "TWD 280.00");
        assert_eq!(money(11_000, "KRW"), "KRW 11000");
    }
}
