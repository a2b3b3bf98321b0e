//! The environment of the process, which nothing else reads.

use std::path::PathBuf;

/// The value of `name`, or what the file named by `name_FILE` holds; `None` when neither is given.
///
/// # Errors
/// What is wrong with it, in words.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub(super) fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) => return Ok(Some(value)),
        Err(std::env::VarError::NotUnicode(_)) => return Err("is not UTF-8".to_owned()),
        Err(std::env::VarError::NotPresent) => {}
    }
    let Some(path) = std::env::var_os(format!("{name}_FILE")) else {
        return Ok(None);
    };
    match std::fs::read_to_string(&path) {
        Ok(value) => Ok(Some(value.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(format!(
            "cannot read {}: {error}",
            PathBuf::from(path).display()
        )),
    }
}

/// `RAMEN_FAULT`, for [`crate::fault`] alone.
#[cfg(feature = "faults")]
pub(crate) fn fault_plan() -> Option<String> {
    variable("RAMEN_FAULT").ok().flatten()
}

/// The server that tests make their databases on.
#[cfg(feature = "testing")]
pub(crate) fn test_database_url() -> Option<String> {
    variable("DATABASE_URL").ok().flatten()
}

/// The broker that tests may use.
#[cfg(feature = "testing")]
pub(crate) fn test_kafka_brokers() -> Option<String> {
    variable("KAFKA_BROKERS").ok().flatten()
}
