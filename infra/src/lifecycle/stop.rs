//! The signals by which everything that runs is asked to stop.

use tokio_util::sync::CancellationToken;

/// The stop signals, shared by everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    hard: CancellationToken,
    soft: CancellationToken,
    pub(super) last: CancellationToken,
}

impl Stop {
    /// Tokens that nobody has pulled.
    pub fn new() -> Self {
        let hard = CancellationToken::new();
        let soft = hard.child_token();
        let last = hard.child_token();
        Self { hard, soft, last }
    }

    /// Completes when nothing new is to be taken.
    pub async fn soft(&self) {
        self.soft.cancelled().await;
    }

    /// As [`Stop::soft`], for a value that is not kept.
    pub async fn soft_owned(self) {
        self.soft.cancelled_owned().await;
    }

    /// Completes when everything is to be left at once.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether nothing new is to be taken.
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Whether everything is to be left at once.
    pub fn is_hurried(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// Asks everything to finish what it holds.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Asks everything to leave at once.
    pub fn hurry(&self) {
        self.hard.cancel();
    }

    /// Cancelled when every task has ended but those that [`Tasks::last`](super::Tasks::last) runs.
    pub fn last_token(&self) -> CancellationToken {
        self.last.clone()
    }

    /// The soft token, for libraries that take one.
    pub fn soft_token(&self) -> CancellationToken {
        self.soft.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_stop_is_also_a_soft_one() {
        let stop = Stop::new();
        stop.hurry();
        assert!(stop.is_stopping() && stop.is_hurried());
        let stop = Stop::new();
        stop.begin();
        assert!(stop.is_stopping() && !stop.is_hurried());
    }
}
