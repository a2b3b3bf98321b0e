//! The control surface under `/_sim/`: what a test, a checker or a person asks of the simulator.

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::config::WebhookEndpoint;
use crate::faults::rules::{Rule, simulated};
use crate::form;
use crate::front::Front;
use crate::world::Vendor;

/// Entries listed when the caller names no limit.
const LIST_DEFAULT: usize = 200;

const ROUTES: &[&str] = &[
    "GET /_sim/ledger?of=",
    "GET /_sim/requests?path=&limit=",
    "GET|POST|DELETE /_sim/faults",
    "DELETE /_sim/faults/{id}",
    "GET|POST /_sim/clock {set|advance|speed}",
    "POST /_sim/act/{name}",
    "GET /_sim/webhooks?limit=",
    "POST /_sim/webhooks/flush",
    "POST /_sim/webhooks/{id}/resend",
    "POST /_sim/endpoints {url, secret}",
    "POST /_sim/endpoints/roll {url, secret, old_seconds}",
    "GET|DELETE /_sim/breaches",
];

/// How the clock is to change; `advance` is in seconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<DateTime<Utc>>,
    advance: Option<f64>,
    speed: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointBody {
    url: String,
    secret: String,
}

/// A new secret; the old ones sign for `old_seconds` more (24 hours, Stripe's longest, by default).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RollBody {
    url: String,
    secret: String,
    #[serde(default = "day_seconds")]
    old_seconds: f64,
}

fn day_seconds() -> f64 {
    86_400.0
}

/// Answers one call under `/_sim`.
pub(crate) async fn answer<V: Vendor>(front: &Front<V>, call: &Call) -> Answer {
    match routed(front, call).await {
        Ok(answer) => answer,
        Err(problem) => problem.into(),
    }
}

/// Why a control call is refused.
struct Problem(StatusCode, String);

impl From<Problem> for Answer {
    fn from(Problem(status, why): Problem) -> Self {
        Self::json(status, &json!({ "error": why }))
    }
}

async fn routed<V: Vendor>(front: &Front<V>, call: &Call) -> Result<Answer, Problem> {
    let world = &front.world;
    let segments: Vec<&str> = call
        .path
        .split('/')
        .skip(2)
        .filter(|one| !one.is_empty())
        .collect();
    let limit = form::first(&call.query, "limit")
        .map(|text| number(&text))
        .transpose()?
        .unwrap_or(LIST_DEFAULT);
    let value = match (&call.method, segments.as_slice()) {
        (&Method::GET, []) => json!({ "routes": ROUTES, "seed": world.seed }),
        (&Method::GET, ["ledger"]) => front
            .vendor
            .ledger(form::first(&call.query, "of").as_deref()),
        (&Method::GET, ["requests"]) => {
            let path = form::first(&call.query, "path").unwrap_or_default();
            json!({ "seen": world.record.requests_seen(),
                    "requests": world.record.requests(&path, limit) })
        }
        (&Method::GET, ["faults"]) => json!({ "faults": world.faults.list() }),
        (&Method::POST, ["faults"]) => {
            let rule: Rule = body(&call.body)?;
            json!({ "id": world.faults.add(rule, world.clock.now()) })
        }
        (&Method::DELETE, ["faults"]) => json!({ "removed": world.faults.remove(None) }),
        (&Method::DELETE, ["faults", id]) => {
            json!({ "removed": world.faults.remove(Some(number(id)?)) })
        }
        (&Method::GET, ["clock"]) => shown_clock(front),
        (&Method::POST, ["clock"]) => {
            turn_clock(front, &body(&call.body)?);
            shown_clock(front)
        }
        (&Method::POST, ["act", name]) => {
            let given = if call.body.is_empty() {
                json!({})
            } else {
                body(&call.body)?
            };
            let acted = front.vendor.act(name, &given);
            acted.map_err(|why| Problem(StatusCode::UNPROCESSABLE_ENTITY, why))?
        }
        (&Method::GET, ["webhooks"]) => world.webhooks.list(limit),
        (&Method::POST, ["webhooks", "flush"]) => {
            json!({ "tried": world.webhooks.flush(world).await })
        }
        (&Method::POST, ["webhooks", id, "resend"]) => {
            let id = number(id)?;
            if !world.webhooks.resend(world, id) {
                return Err(Problem(StatusCode::NOT_FOUND, format!("no delivery {id}")));
            }
            json!({ "resent": id })
        }
        (&Method::POST, ["endpoints"]) => {
            let EndpointBody { url, secret } = body(&call.body)?;
            world.webhooks.add_endpoint(WebhookEndpoint { url, secret });
            json!({ "endpoints": world.webhooks.endpoints() })
        }
        (&Method::POST, ["endpoints", "roll"]) => {
            let RollBody {
                url,
                secret,
                old_seconds,
            } = body(&call.body)?;
            let ends = world.clock.now() + simulated(old_seconds);
            if !world.webhooks.roll_secret(&url, secret, ends) {
                return Err(Problem(StatusCode::NOT_FOUND, format!("no endpoint {url}")));
            }
            json!({ "old_ends": ends })
        }
        (&Method::GET, ["breaches"]) => {
            let (kept, by_class) = world.record.breaches();
            let total: u64 = by_class.values().sum();
            json!({ "total": total, "by_class": by_class, "breaches": kept })
        }
        (&Method::DELETE, ["breaches"]) => {
            world.record.clear_breaches();
            json!({ "cleared": true })
        }
        (_, ["pages", rest @ ..]) => {
            return front.vendor.page(call, rest).ok_or_else(|| nowhere(call));
        }
        _ => return Err(nowhere(call)),
    };
    Ok(Answer::json(StatusCode::OK, &value))
}

fn nowhere(call: &Call) -> Problem {
    Problem(
        StatusCode::NOT_FOUND,
        format!("no {} {}", call.method, call.path),
    )
}

/// Moves the clock and carries out what has thereby fallen due, before it answers.
fn turn_clock<V: Vendor>(front: &Front<V>, change: &ClockChange) {
    let clock = &front.world.clock;
    if let Some(speed) = change.speed {
        clock.set_speed(speed);
    }
    if let Some(shown) = change.set {
        clock.set(shown);
    }
    if let Some(seconds) = change.advance {
        clock.advance(simulated(seconds));
    }
    front.fire_due();
    front.world.timers.clock_moved();
}

fn shown_clock<V>(front: &Front<V>) -> Value {
    let world = &front.world;
    json!({ "now": world.clock.now(), "speed": world.clock.speed(),
            "timers": world.timers.len(), "next_due": world.timers.next_due() })
}

fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|_| Problem(StatusCode::BAD_REQUEST, format!("{text} is no number")))
}
