//! Which processes a marketplace has.

/// A sort of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// Plays the vendors.
    Sandbox,
    /// Serves writes, and nothing else.
    CommandApi,
    /// Numbers and publishes events, runs the processes.
    Publisher,
    /// Folds events into views and the search index.
    Projector,
    /// Serves reads.
    QueryApi,
}

impl Part {
    /// Those that are ours, in the order in which they are started.
    pub(crate) const SERVICES: [Self; 4] = [
        Self::CommandApi,
        Self::Publisher,
        Self::Projector,
        Self::QueryApi,
    ];

    /// Its name, which is its subcommand's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::CommandApi => "command-api",
            Self::Publisher => "publisher",
            Self::Projector => "projector",
            Self::QueryApi => "query-api",
        }
    }

    /// What the executable is called with.
    pub(crate) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Sandbox => &["sandbox"],
            Self::CommandApi => &["command-api", "--no-publisher"],
            Self::Publisher => &["publisher"],
            Self::Projector => &["projector"],
            Self::QueryApi => &["query-api"],
        }
    }
}
