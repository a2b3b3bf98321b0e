//! One attempt at an effect: the command or the call, what its outcome means, and writing that down.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::aggregates::{AnyCommand, Kind};
use domain::payment::payment::{PaymentCommand, VendorCode};
use domain::processes::{Effect, PaymentCall};
use futures::FutureExt as _;
use infra::clock::Clock;
use infra::fault;
use infra::telemetry::{context_of, continues};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::commands::{Once, execute_once};
use super::effect_table::{Due, EffectTable};
use super::tables::ProcessTables;
use crate::execute::{ExecuteError, Executor};
use crate::gateways::Outcome;
use crate::gateways::payment::{Call, PaymentGateway, perform};

/// First pause before an effect is tried again; doubled each time, drawn with full jitter.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest pause: what waits for a vendor is done within it once the vendor is back (P17).
const RETRY_MAX: Duration = Duration::from_mins(1);
/// Longest pause after a conflict.
const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(100);

/// What has become of an attempt.
enum Attempt {
    Settled,
    Refused(String),
    Later(Duration, String),
    /// As later, and nothing has left us.
    NotSent(Duration, String),
    /// What cannot be: a person must look.
    Parked(String),
    /// Another leader has ended it.
    Overtaken,
}

impl Attempt {
    /// In traces.
    const fn name(&self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refused(_) => "refused",
            Self::Later(..) => "later",
            Self::NotSent(..) => "not_sent",
            Self::Parked(_) => "parked",
            Self::Overtaken => "overtaken",
        }
    }
}

/// Performs effects. Clones share everything.
#[derive(Clone)]
pub(super) struct Performer<T> {
    table: EffectTable<T>,
    clock: Clock,
    executor: Executor,
    payments: Arc<dyn PaymentGateway>,
}

impl<T: ProcessTables> Performer<T> {
    pub(super) fn new(
        table: EffectTable<T>,
        clock: Clock,
        executor: Executor,
        payments: Arc<dyn PaymentGateway>,
    ) -> Self {
        Self {
            table,
            clock,
            executor,
            payments,
        }
    }

    /// Tries once, and writes what came of it. Whether another effect may have waited for that.
    pub(super) async fn perform(&self, due: Due) -> bool {
        let span = tracing::debug_span!(
            "effect",
            otel.name = %format_args!("effect.{}", due.kind.as_str()),
            effect.id = %due.id,
            process = due.process,
            order.id = %due.instance,
            attempt = due.attempts + 1,
            outcome = Empty,
        );
        continues(&span, due.trace);
        self.perform_in(due, &span).instrument(span.clone()).await
    }

    async fn perform_in(&self, due: Due, span: &Span) -> bool {
        fault::point("effect.before");
        // A panic is our own fault and may come again: it waits like any other failure. Nothing is
        // shared that it could leave half done: what is committed is, and the rest is dropped.
        let attempt = AssertUnwindSafe(self.attempt(&due))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| self.later(&due, "the attempt panicked".to_owned()));
        span.record("outcome", attempt.name());
        let written = match attempt {
            Attempt::Settled => self.table.finish(&due, None).await,
            Attempt::Refused(why) => self.table.finish(&due, Some(why)).await,
            Attempt::Later(after, why) => waits(self.table.postpone(&due, after, true, why).await),
            Attempt::NotSent(after, why) => {
                waits(self.table.postpone(&due, after, false, why).await)
            }
            Attempt::Parked(why) => waits(self.table.park(due.id, &why).await),
            Attempt::Overtaken => Ok(true),
        };
        fault::point("effect.recorded");
        written.unwrap_or_else(|error| {
            // The effect stays due and is repeated, to the same end.
            tracing::warn!(effect.id = %due.id, %error, "the outcome of effect {} is not kept", due.id);
            true
        })
    }

    async fn attempt(&self, due: &Due) -> Attempt {
        match &due.effect {
            Effect::Command { command } => self.command(due, command.clone()).await,
            Effect::Payment { call } => self.payment(due, call).await,
            // The runner keeps timers in their own table.
            Effect::StartTimer { .. } | Effect::CancelTimer { .. } => Attempt::Settled,
        }
    }

    async fn command(&self, due: &Due, command: AnyCommand) -> Attempt {
        let kind = command.kind();
        let once = Once {
            by: &due.process,
            id: due.id,
            order: due.instance,
            cause: due.cause,
            test: due.test,
            trace: context_of(&Span::current()).or(due.trace),
        };
        match execute_once(&self.executor, &once, command).await {
            // A refusal that was stored by an earlier attempt comes back as an answer.
            Ok(answer) if answer.status < 400 => Attempt::Settled,
            Ok(answer) if kind == Kind::Inventory => Attempt::Parked(answer.body),
            Ok(answer) => Attempt::Refused(answer.body),
            // A hold that is not there when its order needs it was lost: no other refusal of stock
            // can follow from an order of ours.
            Err(ExecuteError::Refused(refusal)) if kind == Kind::Inventory => {
                Attempt::Parked(refusal.code)
            }
            Err(ExecuteError::Refused(refusal)) => Attempt::Refused(refusal.code),
            // Others were faster; they take milliseconds, whatever came before.
            Err(error @ ExecuteError::Conflict) => {
                let span = backoff(due.attempts).min(CONFLICT_PAUSE_MAX);
                Attempt::Later(self.clock.jitter(span), error.to_string())
            }
            Err(error) => self.later(due, error.to_string()),
        }
    }

    async fn payment(&self, due: &Due, call: &PaymentCall) -> Attempt {
        match self.table.sent(due).await {
            Ok(true) => {}
            Ok(false) => return Attempt::Overtaken,
            Err(error) => return self.later(due, error.to_string()),
        }
        fault::point("effect.sent");
        let key = Call {
            key: due.id,
            first_sent: due.first_sent,
        };
        let outcome = perform(self.payments.as_ref(), &key, call).await;
        fault::point("effect.answered");
        match outcome {
            Outcome::Done(None) => Attempt::Settled,
            Outcome::Done(Some(news)) => self.record(due, call, news).await,
            Outcome::Rejected(refusal) => {
                if refusal.alarm {
                    tracing::error!(effect.id = %due.id, code = %refusal.code, "the vendor rejected our call");
                }
                self.rejected(due, call, &refusal.code).await
            }
            // The vendor has not heard of it, so it does not count as sent unless it was before.
            Outcome::NotDone { after, why } => {
                let pause = after.max(self.clock.jitter(backoff(due.attempts)));
                match due.first_sent {
                    Some(_) => Attempt::Later(pause, why.into_owned()),
                    None => Attempt::NotSent(pause, why.into_owned()),
                }
            }
            Outcome::Unknown { why } => self.later(due, why.into_owned()),
        }
    }

    async fn rejected(&self, due: &Due, call: &PaymentCall, code: &str) -> Attempt {
        let Ok(vendor_code) = VendorCode::parse(code) else {
            return self.later(due, format!("the vendor's code {code:?} does not read"));
        };
        if let Some(news) = call.when_rejected(vendor_code) {
            return self.record(due, call, news).await;
        }
        let (PaymentCall::Void { intent, .. } | PaymentCall::Read { intent, .. }) = call else {
            return Attempt::Refused(code.to_owned());
        };
        match self.payments.read_intent(intent).await {
            Outcome::Done(found) => self.record(due, call, found.vendor.news()).await,
            Outcome::Rejected(_) | Outcome::NotDone { .. } | Outcome::Unknown { .. } => self.later(
                due,
                format!("rejected ({code}), and the intent cannot be read"),
            ),
        }
    }

    async fn record(&self, due: &Due, call: &PaymentCall, news: PaymentCommand) -> Attempt {
        let command = AnyCommand::Payment(call.payment().into(), news);
        self.command(due, command).await
    }

    fn later(&self, due: &Due, why: String) -> Attempt {
        Attempt::Later(self.clock.jitter(backoff(due.attempts)), why)
    }
}

/// What did not simply end is looked at again.
fn waits(written: Result<(), sqlx::Error>) -> Result<bool, sqlx::Error> {
    written.map(|()| true)
}

/// The span that the pause after so many attempts is drawn from.
fn backoff(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(16);
    RETRY_MIN
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let spans: Vec<_> = (0..4)
            .map(|attempts| backoff(attempts).as_millis())
            .collect();
        assert_eq!(spans, [200, 400, 800, 1_600]);
        assert_eq!((backoff(9), backoff(i32::MAX)), (RETRY_MAX, RETRY_MAX));
        assert_eq!(backoff(-1), RETRY_MIN);
    }
}
