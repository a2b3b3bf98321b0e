//! Folding a view event by event, each under a savepoint, to find the one that the database refuses.

use domain::decider::Event as _;
use sqlx::{Connection as _, PgConnection};

use super::fold::{ApplyError, Folding, Outcome, Parked, Trouble, recorded};
use super::slots::Slots;
use super::{FoldedView, Followed, Unwritten as _, Version};
use crate::batch::Item;
use crate::parked::WAITS;

/// Folds and writes what of the batch is new to a view; what the database refuses is parked.
///
/// # Errors
/// As [`ApplyError`].
pub(super) async fn fold_alone<V: FoldedView>(
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    outcome: &mut Outcome,
) -> Result<(), ApplyError> {
    let mut parked = Parked::new(V::NAME, folding);
    for item in folding.fresh(V::NAME, V::Event::KIND) {
        if parked.holds(item.record.stream_id()) {
            parked.park(&item.record, WAITS, outcome);
        } else if let Err(reason) = fold_one::<V>(connection, folding, item, outcome).await? {
            parked.park(&item.record, Some(reason), outcome);
        }
    }
    Ok(())
}

/// Folds one event under a savepoint; gives the reason when it is to be parked.
async fn fold_one<V: FoldedView>(
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    item: &Item,
    outcome: &mut Outcome,
) -> Result<Result<(), String>, ApplyError> {
    let fail = |source| ApplyError::of(V::NAME, source);
    let event = match &item.event {
        Err(reason) => return Ok(Err(reason.clone())),
        Ok(event) => match V::Event::pick(event) {
            Some(event) if V::concerns(event) => event,
            Some(_) | None => return Ok(Ok(())),
        },
    };
    tracing::debug!(
        view = V::NAME,
        event = event.name(),
        batch = folding.items.len(),
        "folding alone"
    );
    let mut savepoint = connection.begin().await.map_err(fail)?;
    let written = async {
        let read =
            Slots::<V>::read_with(&mut *savepoint, Version::Live, &[item.record.stream]).await;
        let mut slots = read.map_err(fail)?;
        let folded = slots.fold(&recorded(&item.record, event.clone()));
        if folded.is_ok() {
            slots.write(&mut savepoint, Version::Live).await?;
        }
        Ok((folded, slots))
    };
    let reason = match written.await {
        Ok((Ok(()), slots)) => {
            savepoint.commit().await.map_err(fail)?;
            slots.tell(outcome);
            return Ok(Ok(()));
        }
        Ok((Err(Trouble::Gap(gap)), _)) => return Err(ApplyError::Gap(gap)),
        Ok((Err(Trouble::Fold(error)), _)) => error.to_string(),
        Err(ApplyError::Refused { source, .. }) => source.to_string(),
        Err(error) => return Err(error),
    };
    savepoint.rollback().await.map_err(fail)?;
    Ok(Err(reason))
}
