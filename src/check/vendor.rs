//! What the vendors' simulator has seen: its ledger (I3), the webhooks that it sent (I10), and every
//! breach of the vendor's contract by us.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row as _;

use super::facts::Facts;
use super::report::{Invariant, Report};
use super::retention;
use super::store::Store;

/// A day's ledger is some tens of megabytes.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// Deliveries that the simulator remembers; beyond them its list says nothing of what is not on it.
const REMEMBERED: usize = 20_000;

/// The simulator's control surface.
pub(super) struct Sandbox {
    base: String,
    client: reqwest::Client,
}

impl Sandbox {
    /// A client of the simulator at `base`. It connects when it is first used.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_MAX)
            .build()?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client,
        })
    }

    /// The vendor's ledger.
    ///
    /// # Errors
    /// When the simulator does not answer with JSON.
    pub(super) async fn ledger(&self) -> anyhow::Result<Value> {
        self.get("/_sim/ledger").await
    }

    /// Counts each breach as a violation.
    ///
    /// # Errors
    /// When the simulator does not answer with JSON.
    pub(super) async fn check_breaches(&self, report: &mut Report) -> anyhow::Result<()> {
        let answer = self.get("/_sim/breaches").await?;
        let total = answer["total"]
            .as_u64()
            .context("the list of breaches has no total")?;
        report.checked(Invariant::Breaches);
        let listed = answer["breaches"].as_array().map_or(&[][..], Vec::as_slice);
        for breach in listed {
            let part = |name: &str| breach[name].as_str().unwrap_or_default();
            let what = format!(
                "{}: {} ({})",
                part("class"),
                part("detail"),
                part("request")
            );
            report.violated(Invariant::Breaches, what);
        }
        let unlisted = total.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
        if unlisted > 0 {
            report.violated(
                Invariant::Breaches,
                format!("{unlisted} more, no longer listed"),
            );
        }
        Ok(())
    }

    /// The webhooks that it sent or tried to send.
    ///
    /// # Errors
    /// When the simulator does not answer with JSON.
    pub(super) async fn webhooks(&self) -> anyhow::Result<Value> {
        self.get("/_sim/webhooks?limit=10000000").await
    }

    /// The time on the simulator's clock.
    ///
    /// # Errors
    /// When the simulator does not answer with JSON.
    pub(super) async fn now(&self) -> anyhow::Result<DateTime<Utc>> {
        let answer = self.get("/_sim/clock").await?;
        let now = answer["now"].as_str().context("the clock shows no time")?;
        now.parse().context("the clock's time")
    }

    /// How many webhooks it still means to send.
    ///
    /// # Errors
    /// When the simulator does not answer with JSON.
    pub(super) async fn under_way(&self) -> anyhow::Result<i64> {
        let answer = self.get("/_sim/webhooks?limit=0").await?;
        answer["under_way"]
            .as_i64()
            .context("the list of webhooks does not say how many are under way")
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let place = || format!("asking the sandbox for {path}");
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        let answer = answer
            .and_then(reqwest::Response::error_for_status)
            .with_context(place)?;
        let bytes = answer.bytes().await.with_context(place)?;
        serde_json::from_slice(&bytes).with_context(place)
    }
}

/// What was received of each webhook: its key, and when it came.
pub(super) type Inbox = HashMap<String, DateTime<Utc>>;

/// Reads the inbox and checks each row by itself: it was handled, and its body is sealed and its own.
///
/// # Errors
/// When the database fails.
pub(super) async fn check_inbox(store: &mut Store, report: &mut Report) -> anyhow::Result<Inbox> {
    let mut inbox = HashMap::new();
    let mut origins: HashMap<String, String> = HashMap::new();
    store
        .open_cursor(
            "SELECT event_key, status, body, received_at FROM ops.webhook_inbox
             WHERE source = 'stripe'",
        )
        .await?;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(inbox);
        }
        for row in &rows {
            let (key, status): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let body: String = row.try_get(2)?;
            report.expect(Invariant::I10, status == "done", || {
                format!("webhook {key} was answered and is {status}")
            });
            match origin_of(&body) {
                None => {
                    report.violated(Invariant::I10, format!("webhook {key} is kept unsealed"));
                }
                Some(origin) => {
                    let other = origins.insert(origin, key.clone());
                    report.expect(Invariant::I10, other.is_none(), || {
                        format!("webhook {key} is kept with the body of {other:?}")
                    });
                }
            }
            inbox.insert(key, row.try_get(3)?);
        }
    }
}

/// The id that the envelope of a sealed body is bound to. A body may hold a person's data, so it is kept
/// sealed, and only the vault's holder can read it.
fn origin_of(body: &str) -> Option<String> {
    let envelope: Value = serde_json::from_str(body).ok()?;
    let origin = &envelope["o"];
    let sealed = envelope["c"].is_string()
        && origin["kind"] == "ops.webhook_inbox"
        && origin["field"] == "body";
    origin["id"].as_str().filter(|_| sealed).map(str::to_owned)
}

/// Compares the inbox with what was sent: confirmed means kept, and nothing else is. What was sent so
/// long before `as_of` that it may have been deleted is not looked for.
pub(super) fn check_webhooks(
    sent: &Value,
    inbox: &Inbox,
    as_of: Option<DateTime<Utc>>,
    report: &mut Report,
) {
    let may_be_gone = |delivery: &Value| {
        let times = first_attempt(delivery).zip(as_of);
        times.is_some_and(|(at, as_of)| retention::is_over(at, as_of))
    };
    let mut gone = 0_u64;
    let deliveries = sent["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
    let mut possible: HashSet<&str> = HashSet::new();
    for delivery in deliveries {
        let event = delivery["event"].as_str().unwrap_or_default();
        let attempts = delivery["attempts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let statuses = || attempts.iter().map(|attempt| attempt["status"].as_u64());
        let confirmed = statuses()
            .flatten()
            .any(|status| (200..300).contains(&status));
        let is_kept = inbox.contains_key(event);
        if confirmed && !is_kept && may_be_gone(delivery) {
            gone += 1;
        } else if confirmed {
            report.expect(Invariant::I10, is_kept, || {
                format!("webhook {event} was answered 2xx and is not kept")
            });
        }
        // An attempt without a status may have arrived: its answer was lost.
        if confirmed || statuses().any(|status| status.is_none()) {
            possible.insert(event);
        }
    }
    if gone > 0 {
        let why =
            format!("{gone} webhooks of more than 30 days ago: they were deleted after their time");
        report.not_run(Invariant::I10, why);
    }
    if deliveries.len() >= REMEMBERED {
        report.not_run(
            Invariant::I10,
            "forgeries: the simulator no longer remembers all it sent",
        );
        return;
    }
    // A simulator that was started anew remembers its payments, not what it sent before.
    let remembers_from = deliveries.iter().filter_map(first_attempt).min();
    let listed: HashSet<&str> = deliveries
        .iter()
        .filter_map(|delivery| delivery["event"].as_str())
        .collect();
    let forgotten = |key: &str, at: &DateTime<Utc>| {
        !listed.contains(key) && remembers_from.is_none_or(|from| *at < from)
    };
    if inbox.iter().any(|(key, at)| forgotten(key, at)) {
        let why = "forgeries before the simulator was started: it has forgotten what it sent";
        report.not_run(Invariant::I10, why);
    }
    for (key, _) in inbox.iter().filter(|(key, at)| !forgotten(key, at)) {
        report.expect(Invariant::I10, possible.contains(key.as_str()), || {
            format!("webhook {key} is kept and was never sent, or was refused")
        });
    }
}

/// When a delivery was tried first.
fn first_attempt(delivery: &Value) -> Option<DateTime<Utc>> {
    let at = delivery.pointer("/attempts/0/at")?.as_str()?;
    Some(DateTime::parse_from_rfc3339(at).ok()?.to_utc())
}

/// Compares where each payment is with where the vendor says it is: every webhook, or the reading that
/// makes up for a lost one, has had its effect.
pub(super) fn check_states(ledger: &Value, facts: &Facts, report: &mut Report) {
    let theirs: HashMap<&str, &str> = ledger["intents"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|intent| Some((intent["id"].as_str()?, intent["status"].as_str()?)))
        .collect();
    for (payment, about) in &facts.payments {
        let Some(status) = about
            .intent
            .as_deref()
            .and_then(|intent| theirs.get(intent))
        else {
            continue;
        };
        let fits: &[&str] = match *status {
            "succeeded" => &["captured"],
            "canceled" => &["voided", "expired"],
            "requires_capture" => &["authorized", "capture_failed"],
            "requires_payment_method" | "requires_confirmation" | "requires_action" => {
                &["requires_payment", "requires_action"]
            }
            _ => continue,
        };
        report.expect(Invariant::I10, fits.contains(&about.state), || {
            format!(
                "payment {payment} is {}, the vendor's intent is {status}",
                about.state
            )
        });
    }
}
