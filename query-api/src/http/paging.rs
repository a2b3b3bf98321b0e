//! Pages by key: the cursor is the last row's id, so a page costs the same wherever it lies.

use std::fmt;

use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use infra::http::ApiError;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

/// Rows of a page when nothing is said.
pub(crate) const PAGE_DEFAULT: u32 = 20;
/// Rows of a page at most.
pub(crate) const PAGE_MAX: u32 = 100;

/// Where a page ended. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub(crate) struct Cursor(Uuid);

impl Cursor {
    /// After this row.
    pub(crate) fn after(id: Uuid) -> Self {
        Self(id)
    }

    /// The last row of the page before.
    pub(crate) fn id(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Collect for Cursor {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let read = value.as_str().and_then(|text| text.parse().ok()).map(Self);
        if read.is_none() {
            faults.add(
                "cursor_malformed",
                at,
                "a cursor comes from the Link of the page before",
            );
        }
        read
    }
}

/// The limit, if it is one.
///
/// # Errors
/// 422 when it is not between 1 and 100.
pub(crate) fn limit_of(limit: u32) -> Result<u32, ApiError> {
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid(vec![Fault {
        code: "limit_out_of_range".to_owned(),
        pointer: "/limit".to_owned(),
        detail: format!("a page has 1 to {PAGE_MAX} rows"),
    }]))
}
