//! One row for each driver: who may carry. Name and telephone stay sealed.

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::driver::driver::DriverEvent;
use serde_json::Value;
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::{document, name_of};

/// Drivers and whether they may carry.
#[derive(Debug)]
pub(crate) struct Drivers;

row! {
    /// A driver.
    DriverRow in "drivers" key driver_id {
        /// The driver.
        driver_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// `registered`, `approved` or `suspended`.
        stage: String,
        /// Sealed name.
        name: Doc<Value>,
        /// Sealed telephone.
        phone: Doc<Value>,
        /// What they drive.
        vehicle: String,
        /// Why they may not carry.
        stage_reason: Option<String>,
        /// When they came.
        registered_at: DateTime<Utc>,
        /// When the last event happened.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Drivers {
    const ANCHOR: bool = true;
    type Event = DriverEvent;
    type Row = DriverRow;

    fn fold(
        row: Option<DriverRow>,
        event: &Recorded<DriverEvent>,
    ) -> Result<Change<DriverRow>, FoldError> {
        let opened = || {
            row.clone().ok_or(FoldError::NotOpened {
                event: event.event.name(),
            })
        };
        let row = match &event.event {
            DriverEvent::Registered {
                name,
                phone,
                vehicle,
                at,
            } => DriverRow {
                driver_id: event.stream,
                sequence: 0,
                stage: "registered".to_owned(),
                name: Doc(document(name)?),
                phone: Doc(document(phone)?),
                vehicle: name_of(vehicle)?,
                stage_reason: None,
                registered_at: *at,
                updated_at: *at,
            },
            DriverEvent::Approved { at } => DriverRow {
                stage: "approved".to_owned(),
                stage_reason: None,
                updated_at: *at,
                ..opened()?
            },
            DriverEvent::Suspended { reason, at } => DriverRow {
                stage: "suspended".to_owned(),
                stage_reason: Some(reason.as_str().to_owned()),
                updated_at: *at,
                ..opened()?
            },
        };
        Ok(Change::Put(row))
    }
}
