//! The receipt of an order: what was sold, changed, paid and given back, as JSON or as a page to print.

pub(crate) mod accept;
mod page;
pub(in crate::http) mod read_receipt;
mod receipt;
mod source;
mod sums;
#[cfg(test)]
mod tests;
mod words;
