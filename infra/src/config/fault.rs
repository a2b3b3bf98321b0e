//! What cannot be used, by the name of its variable.

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: String,
    /// Why not.
    pub reason: String,
}

impl Fault {
    pub(super) fn new(name: &str, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct ConfigError(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    let lines: Vec<_> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.name, fault.reason))
        .collect();
    format!("unusable settings: {}", lines.join("; "))
}

/// Collects what production refuses.
#[derive(Default)]
pub(super) struct Refusals(Vec<Fault>);

impl Refusals {
    /// Refuses the variable `name` when `wrong`.
    pub(super) fn when(&mut self, wrong: bool, name: &str, reason: &str) {
        if wrong {
            self.0.push(Fault::new(name, reason));
        }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.0
    }
}
