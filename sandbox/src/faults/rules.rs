//! When a fault strikes: rules with a match, a count and a duration.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{Fault, WebhookFault};
use crate::call::Call;
use crate::random::Random;

/// A rule as the control surface takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Which calls or events; everything when absent.
    #[serde(default, rename = "match")]
    pub(crate) matching: Match,
    #[serde(deserialize_with = "fault_or_name")]
    pub(crate) fault: Fault,
    /// How often it strikes before the rule ends; without `times` and `for` it stays.
    #[serde(default)]
    pub(crate) times: Option<u64>,
    /// For how many simulated seconds the rule lives.
    #[serde(default, rename = "for")]
    pub(crate) for_seconds: Option<f64>,
}

/// What a rule looks at. Patterns may hold `*` for any text.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    /// Type of the event, for webhook faults.
    pub(crate) event: Option<String>,
    /// Only the n-th fitting one, counted from 1.
    pub(crate) nth: Option<u64>,
    /// Every n-th fitting one.
    pub(crate) every: Option<u64>,
    /// A share of the fitting ones, 0 to 1.
    pub(crate) probability: Option<f64>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Mutex<Active>,
}

#[derive(Debug, Default)]
struct Active {
    rules: Vec<Armed>,
    added: u64,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    rule: Rule,
    ends: Option<DateTime<Utc>>,
    fitted: u64,
    struck: u64,
    /// The credentials that an `unauthorized` rule refuses until they change.
    refused: Option<String>,
}

impl Faults {
    /// Adds a rule and returns its id.
    pub(crate) fn add(&self, rule: Rule, now: DateTime<Utc>) -> u64 {
        let ends = rule.for_seconds.map(|seconds| now + simulated(seconds));
        let mut active = self.lock();
        active.added += 1;
        let id = active.added;
        active.rules.push(Armed {
            id,
            rule,
            ends,
            fitted: 0,
            struck: 0,
            refused: None,
        });
        id
    }

    /// Removes one rule, or all; returns how many went.
    pub(crate) fn remove(&self, id: Option<u64>) -> usize {
        let mut active = self.lock();
        let before = active.rules.len();
        active
            .rules
            .retain(|armed| id.is_some_and(|id| armed.id != id));
        before - active.rules.len()
    }

    /// The rules with their counts.
    pub(crate) fn list(&self) -> Value {
        let active = self.lock();
        let shown = active.rules.iter().map(|armed| {
            json!({"id": armed.id, "rule": armed.rule, "ends": armed.ends,
                   "fitted": armed.fitted, "struck": armed.struck})
        });
        Value::Array(shown.collect())
    }

    /// The fault that strikes this call, if any.
    pub(crate) fn for_call(
        &self,
        call: &Call,
        now: DateTime<Utc>,
        random: &Random,
    ) -> Option<Fault> {
        let credentials = call.header("authorization");
        self.strike(now, random, |armed| {
            !matches!(armed.rule.fault, Fault::Webhook(_))
                && armed.rule.matching.fits_call(call)
                && armed.credentials_still_refused(credentials)
        })
    }

    /// What happens to the webhook of this event, if anything.
    pub(crate) fn for_event(
        &self,
        event: &str,
        now: DateTime<Utc>,
        random: &Random,
    ) -> Option<WebhookFault> {
        let fault = self.strike(now, random, |armed| {
            matches!(armed.rule.fault, Fault::Webhook(_)) && armed.rule.matching.fits_event(event)
        })?;
        if let Fault::Webhook(effect) = fault {
            Some(effect)
        } else {
            None
        }
    }

    /// Counts what fits and returns the fault of the first rule whose turn it is.
    fn strike(
        &self,
        now: DateTime<Utc>,
        random: &Random,
        mut fits: impl FnMut(&mut Armed) -> bool,
    ) -> Option<Fault> {
        let mut active = self.lock();
        if active.rules.is_empty() {
            return None;
        }
        active.rules.retain(|armed| !armed.over(now));
        let armed = active.rules.iter_mut().find_map(|armed| {
            if !fits(armed) {
                return None;
            }
            armed.fitted += 1;
            armed
                .rule
                .matching
                .turn(armed.fitted, random)
                .then_some(armed)
        })?;
        armed.struck += 1;
        Some(armed.rule.fault.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn over(&self, now: DateTime<Utc>) -> bool {
        self.rule.times.is_some_and(|times| self.struck >= times)
            || self.ends.is_some_and(|ends| now >= ends)
    }

    /// True unless the rule waits for other credentials and these are other ones.
    fn credentials_still_refused(&mut self, credentials: Option<&str>) -> bool {
        let Fault::Unauthorized {
            until_credentials_change: true,
        } = self.rule.fault
        else {
            return true;
        };
        let given = credentials.unwrap_or_default();
        *self.refused.get_or_insert_with(|| given.to_owned()) == given
    }
}

impl Match {
    fn fits_call(&self, call: &Call) -> bool {
        self.event.is_none()
            && self
                .method
                .as_deref()
                .is_none_or(|m| m.eq_ignore_ascii_case(call.method.as_str()))
            && self
                .path
                .as_deref()
                .is_none_or(|pattern| fits(pattern, &call.path))
    }

    fn fits_event(&self, event: &str) -> bool {
        self.event
            .as_deref()
            .is_none_or(|pattern| fits(pattern, event))
    }

    fn turn(&self, count: u64, random: &Random) -> bool {
        self.nth.is_none_or(|nth| count == nth)
            && self
                .every
                .is_none_or(|every| every > 0 && count.is_multiple_of(every))
            && self.probability.is_none_or(|share| random.chance(share))
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| fits(tail, &rest[at..]))
        }),
    }
}

/// Seconds as a time span; negative and absurd ones become zero.
pub(crate) fn simulated(seconds: f64) -> TimeDelta {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok())
        .unwrap_or(TimeDelta::zero())
}

/// Accepts `"reset_before"` for `{"name": "reset_before"}`.
fn fault_or_name<'de, D: Deserializer<'de>>(from: D) -> Result<Fault, D::Error> {
    let mut given = Value::deserialize(from)?;
    if given.is_string() {
        given = json!({ "name": given });
    }
    serde_json::from_value(given).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).expect("a rule")
    }

    fn call(path: &str) -> Call {
        Call {
            method: http::Method::POST,
            path: path.to_owned(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: axum::body::Bytes::new(),
        }
    }

    fn strikes(faults: &Faults, path: &str) -> bool {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid instant");
        faults
            .for_call(&call(path), now, &Random::new(1, 0))
            .is_some()
    }

    #[test]
    fn patterns_hold_stars() {
        assert!(fits(
            "/v1/payment_intents/*/capture",
            "/v1/payment_intents/pi_1/capture"
        ));
        assert!(!fits(
            "/v1/payment_intents/*/capture",
            "/v1/payment_intents/pi_1/cancel"
        ));
        assert!(fits("charge.*", "charge.dispute.created"));
        assert!(fits("*", ""));
    }

    #[test]
    fn only_the_nth_fitting_call_is_struck() {
        let faults = Faults::default();
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid instant");
        faults.add(
            rule(r#"{"match":{"path":"/a","nth":2},"fault":"reset_before"}"#),
            now,
        );
        assert!(!strikes(&faults, "/a"));
        assert!(!strikes(&faults, "/b"));
        assert!(strikes(&faults, "/a"));
        assert!(!strikes(&faults, "/a"));
    }

    #[test]
    fn a_rule_ends_after_its_times() {
        let faults = Faults::default();
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid instant");
        faults.add(
            rule(r#"{"fault":{"name":"status_burst","status":503},"times":2}"#),
            now,
        );
        assert!(strikes(&faults, "/a") && strikes(&faults, "/a") && !strikes(&faults, "/a"));
    }

    #[test]
    fn an_unknown_field_or_fault_is_refused() {
        assert!(serde_json::from_str::<Rule>(r#"{"fault":"explode"}"#).is_err());
        assert!(serde_json::from_str::<Rule>(r#"{"fault":"reset_before","tims":1}"#).is_err());
    }
}
