//! Why a rebuild has not come to its end. In every case what is served is what was served before.

use infra::event_store::{LogError, StreamId};

use crate::views::ApplyError;

/// Why views were not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no such view.
    #[error("there is no view {0}")]
    Unknown(String),
    /// Another process is at it.
    #[error("view {0} is being rebuilt by somebody else")]
    Busy(&'static str),
    /// The database has failed.
    #[error("the views' database failed, the rebuild ends here and nothing is swapped")]
    Database(#[from] sqlx::Error),
    /// The store has failed.
    #[error("the store failed, the rebuild ends here and nothing is swapped")]
    Log(#[from] LogError),
    /// A batch could not be folded.
    #[error("the log cannot be folded, nothing is swapped")]
    Apply(#[from] ApplyError),
    /// An event that the live view would park.
    #[error("view {view} cannot fold event {sequence} of {stream}, nothing is swapped: {why}")]
    Unfoldable {
        /// The view.
        view: &'static str,
        /// The event's stream.
        stream: StreamId,
        /// Its place there.
        sequence: i64,
        /// What is wrong with it.
        why: String,
    },
    /// The independent fold could not be made.
    #[error("the rows could not be compared, nothing is swapped")]
    Uncompared(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The independent fold comes to other rows.
    #[error(
        "{differing} of {rows} rows are not what the events fold to, nothing is swapped:\n  {}",
        .examples.join("\n  ")
    )]
    Differs {
        /// Rows compared.
        rows: u64,
        /// Rows that differ.
        differing: u64,
        /// The first of them.
        examples: Vec<String>,
    },
    /// The live view has read what the log does not hold.
    #[error("view {view} has read position {read}, the log ends at {head}: it is another history")]
    Ahead {
        /// The view.
        view: &'static str,
        /// How far the live view is.
        read: i64,
        /// How far the new one is, at the log's head.
        head: i64,
    },
    /// There is no version to go back to.
    #[error("no other version of view {0} is kept")]
    NothingKept(&'static str),
    /// The kept version has other columns.
    #[error("the kept version of view {0} has other columns than this build's: rebuild it instead")]
    Reshaped(&'static str),
    /// Writers or readers never left room for the swap.
    #[error(
        "the tables were in use all the time, nothing is swapped: try again when it is quieter"
    )]
    NeverLevel,
}
