//! `GET /v1/orders/{id}/events`: an order as it changes, as server-sent events. Each event's id is the
//! order's sequence, so `Last-Event-ID` says where a reader was; what it gets is always the latest state.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::kernel::ids::OrderId;
use futures::stream::{self, Stream};
use http::HeaderMap;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Path, Problem};
use infra::limits::ACCESS_TOKEN_LIFE;
use infra::telemetry::continues;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::order_status::OrderStatus;
use crate::app::App;
use crate::error::db;
use crate::http::private;
use crate::live::{Frame, TooManyFollowed};
use crate::scope::ScopeFilter;

/// A comment is sent this often, so that proxies keep the connection and dead ones are noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What a client waits before it comes back.
const RECONNECT: Duration = Duration::from_secs(1);

/// The stream of an order's states; each event's data is an `OrderStatus`.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct OrderEvents(String);

/// Follows an order. The stream ends with the order, or when the token that opened it has ended.
#[utoipa::path(get, path = "/v1/orders/{order_id}/events", operation_id = "follow_order",
    tag = "ordering",
    params(("order_id" = Uuid, Path, description = "The order."),
           ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was read.")),
    responses((status = 200, body = OrderEvents, content_type = "text/event-stream"),
              (status = "default", body = Problem)))]
pub(crate) async fn follow_order(
    State(app): State<App>,
    by: Caller<action::FollowOrder>,
    Path(id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // The slot is taken before the row is read, so that no change falls between the two.
    let slot = app.live().follow(id.uuid()).map_err(refused)?;
    let scope = ScopeFilter::from(&by.scope);
    let status = OrderStatus::read(app.pool(), id.uuid(), &scope)
        .await
        .map_err(db)?;
    let status = status.ok_or_else(ApiError::not_found)?;
    let seen = last_event_id(&headers)?;
    let shown = slot.borrow().as_ref().map_or(0, |frame| frame.nth);
    let events = Events {
        order: id,
        slot,
        first: Some(status.frame()),
        seen,
        shown,
        over: false,
        _open: Open::new(),
    };
    let stream = events.until(tokio::time::sleep(ACCESS_TOKEN_LIFE));
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(private(sse.into_response()))
}

fn refused(_: TooManyFollowed) -> ApiError {
    ApiError::overloaded("live", RECONNECT)
}

/// The sequence that the reader has; 0 without the header.
fn last_event_id(headers: &HeaderMap) -> Result<i64, ApiError> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(0);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|sequence| *sequence >= 0)
        .ok_or_else(|| ApiError::malformed("malformed_event_id", "Last-Event-ID is a whole number"))
}

/// The frames of one follower.
struct Events {
    order: OrderId,
    slot: watch::Receiver<Option<Frame>>,
    /// The state when it began to follow.
    first: Option<Frame>,
    /// Sequence of the last frame sent.
    seen: i64,
    /// Of the last frame taken from the slot, the how many-eth it was.
    shown: u64,
    over: bool,
    _open: Open,
}

/// Counts an open stream.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::gauge!("ramen_live_sockets").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("ramen_live_sockets").decrement(1.0);
    }
}

impl Events {
    /// The next frame that is newer than the last one sent; none when the order is over.
    async fn next(&mut self) -> Option<Frame> {
        while !self.over {
            let frame = if let Some(first) = self.first.take() {
                Some(first)
            } else {
                self.slot.changed().await.ok()?;
                self.slot.borrow_and_update().clone()
            };
            let Some(frame) = frame else { continue };
            self.count_missed(&frame);
            self.over = frame.last;
            if frame.sequence > self.seen {
                self.seen = frame.sequence;
                return Some(frame);
            }
        }
        None
    }

    /// Counts the frames that were replaced before this reader came for them.
    fn count_missed(&mut self, frame: &Frame) {
        let missed = frame.nth.saturating_sub(self.shown + 1);
        if missed > 0 {
            metrics::counter!("ramen_live_coalesced_total").increment(missed);
        }
        self.shown = self.shown.max(frame.nth);
    }

    /// Leaves the moment at which a frame goes to this reader in the trace that brought it.
    fn trace(&self, frame: &Frame) {
        if frame.trace.is_some() {
            let sequence = frame.sequence;
            let span = tracing::debug_span!("push", order.id = %self.order, sequence);
            continues(&span, frame.trace);
        }
    }

    fn until(
        self,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
        use futures::StreamExt as _;
        stream::unfold(self, |mut events| async move {
            let frame = events.next().await?;
            events.trace(&frame);
            Some((Ok(event(&frame)), events))
        })
        .take_until(end)
    }
}

fn event(frame: &Frame) -> Event {
    let event = Event::default()
        .event("order")
        .id(frame.sequence.to_string())
        .retry(RECONNECT)
        .data(frame.data.as_ref());
    match frame.trace {
        Some(trace) => event.comment(format!("traceparent {trace}")),
        None => event,
    }
}
