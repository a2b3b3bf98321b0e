//! Pages of a list (docs.stripe.com/api/pagination): newest first, by cursor.

use serde_json::Value;

use crate::stripe::error::ApiError;
use crate::stripe::params::Params;
use crate::stripe::render;
use crate::stripe::store::Table;

const LIMIT_DEFAULT: i64 = 10;
const LIMIT_MAX: i64 = 100;

/// Which page.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Page {
    /// Takes `limit`, `starting_after` and `ending_before`.
    ///
    /// # Errors
    /// A limit outside 1 to 100, or both cursors at once.
    pub(crate) fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let limit = params.integer("limit")?.unwrap_or(LIMIT_DEFAULT);
        let starting_after = params.text("starting_after");
        let ending_before = params.text("ending_before");
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=LIMIT_MAX).contains(&limit))
            .ok_or_else(|| {
                let message = format!("This value must be between 1 and {LIMIT_MAX}.");
                ApiError::invalid("parameter_invalid_integer", "limit", message)
            })?;
        if starting_after.is_some() && ending_before.is_some() {
            return Err(ApiError::bad_request(
                "You may only specify one of these parameters: starting_after, ending_before.",
            ));
        }
        Ok(Self {
            limit,
            starting_after,
            ending_before,
        })
    }

    /// The page of the rows of `table` that fit.
    ///
    /// # Errors
    /// A cursor that names no row.
    pub(crate) fn of<T>(
        &self,
        table: &Table<T>,
        url: &str,
        render: impl Fn(&T) -> Value,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Value, ApiError> {
        let place = |cursor: &Option<String>, param| match cursor {
            None => Ok(None),
            Some(id) => {
                let missing = || ApiError::missing_param("object", id, param);
                table.number(id).map(Some).ok_or_else(missing)
            }
        };
        let below = place(&self.starting_after, "starting_after")?;
        let above = place(&self.ending_before, "ending_before")?;
        let more = self.limit + 1;
        let chosen = |(number, row): &(u64, &std::sync::Arc<T>)| {
            below.is_none_or(|bound| *number < bound)
                && above.is_none_or(|bound| *number > bound)
                && fits(row)
        };
        // Before a cursor the page is the one next to it, still shown newest first.
        let mut rows: Vec<_> = match above {
            None => table.iter().rev().filter(chosen).take(more).collect(),
            Some(_) => table.iter().filter(chosen).take(more).collect(),
        };
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if above.is_some() {
            rows.reverse();
        }
        let data: Vec<Value> = rows.into_iter().map(|(_, row)| render(row)).collect();
        Ok(render::list(url, &data, has_more))
    }
}
