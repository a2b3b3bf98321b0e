//! A bowl of an order, as two use cases name it in their paths.

use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::line::LineId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::{ApiError, Idempotency, Path};
use utoipa::IntoParams;

use crate::app::App;
use crate::http::answer::{Committed, Written};
use crate::http::asked::{Asked, BuildsOn, Who};

/// Names the bowl.
pub(super) type BowlPath = Path<(OrderId, LineId, u32)>;

/// How [`BowlPath`] stands in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct BowlParams {
    /// The order
    order_id: uuid::Uuid,
    /// The line of the order
    line: u32,
    /// Which bowl of the line, from 1
    bowl: u32,
}

impl App {
    /// Notes what has become of a bowl.
    ///
    /// # Errors
    /// As [`App::change`].
    pub(super) async fn note_bowl(
        &self,
        by: &impl Who,
        Path((id, line, bowl)): BowlPath,
        if_match: &IfMatch,
        key: &Idempotency,
        command: fn(LineId, u32) -> OrderCommand,
    ) -> Result<Committed, ApiError> {
        let asked = Asked::new(by, key.key());
        let builds_on = BuildsOn::Version(if_match.version()?);
        self.change::<Order>(
            &asked,
            id,
            builds_on,
            command(line, bowl),
            Written::reply(id),
        )
        .await
    }
}
