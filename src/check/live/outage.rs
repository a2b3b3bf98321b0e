//! Telling a database that is away from one that refuses: the first is waited for.

use sqlx::Error;

/// Classes of SQLSTATE that pass: connection failures, too many connections, an operator's shutdown or a start.
const PASSING: [&str; 3] = ["08", "53", "57"];

/// Whether the database was away.
pub(super) fn is_outage(error: &anyhow::Error) -> bool {
    let Some(error) = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>())
    else {
        return false;
    };
    if let Error::Database(refusal) = error {
        let code = refusal.code().unwrap_or_default();
        return PASSING.iter().any(|class| code.starts_with(class));
    }
    matches!(error, Error::Io(_) | Error::Tls(_) | Error::Protocol(_))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_broken_connection_passes_and_a_missing_column_does_not() {
        let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error: anyhow::Result<()> = Err(Error::Io(broken())).context("reading");
        assert!(is_outage(&error.unwrap_err()));
        let error = Error::ColumnNotFound("hash".to_owned());
        assert!(!is_outage(&error.into()));
        assert!(!is_outage(&anyhow::anyhow!("the log is no log")));
    }
}
