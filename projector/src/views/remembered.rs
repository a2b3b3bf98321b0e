//! Rows as this projector left them at its last commit, so that the next event of a stream needs no
//! read. Nothing here is ever ahead of a commit, and everything is forgotten at the first doubt; that
//! nobody else has changed a row is what the checkpoints are compared for (ADR 16).

use std::any::Any;
use std::collections::HashMap;

use uuid::Uuid;

/// Rows remembered at most, of a few kilobytes each; all are forgotten when there are more. The open
/// orders of a busy evening with their carts, payments and deliveries are fewer.
const ROWS_MAX: usize = 10_000;

/// Rows by view and key; a row that is known not to exist is remembered, too.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    rows: HashMap<(&'static str, Uuid), Box<dyn Any + Send + Sync>>,
}

impl Remembered {
    /// The row of `view` under `key`, if it is known: none within when there is no such row.
    pub(super) fn get<R: 'static>(&self, view: &'static str, key: Uuid) -> Option<&Option<R>> {
        self.rows.get(&(view, key))?.downcast_ref()
    }

    /// Remembers what has been committed.
    pub(super) fn put<R: Send + Sync + 'static>(
        &mut self,
        view: &'static str,
        key: Uuid,
        row: Option<R>,
    ) {
        if self.rows.len() >= ROWS_MAX {
            self.rows.clear();
        }
        self.rows.insert((view, key), Box::new(row));
    }

    /// Forgets everything: what is in the database may be something else.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_rows_and_their_absence_and_stays_bounded() {
        let mut remembered = Remembered::default();
        let key = Uuid::from_u128(1);
        assert_eq!(remembered.get::<i64>("orders", key), None);
        remembered.put("orders", key, Some(7_i64));
        remembered.put("carts", key, None::<i64>);
        assert_eq!(remembered.get::<i64>("orders", key), Some(&Some(7)));
        assert_eq!(remembered.get::<i64>("carts", key), Some(&None));
        for other in 2..=ROWS_MAX as u128 {
            remembered.put("orders", Uuid::from_u128(other), Some(0_i64));
        }
        assert!(remembered.rows.len() <= ROWS_MAX);
        remembered.forget();
        assert_eq!(remembered.get::<i64>("orders", key), None);
    }
}
