//! What callers may see of a dependency's fault (reliability, section 5).

use super::cells::Dependency;
use crate::client::Kind;

/// Stripe is away: the order waits for its payment, and the client asks again.
const AWAITING_PAYMENT: &str = "payment_not_ready";

/// Why an answer is not as promised; nothing when it is.
///
/// No answer at all is none of ours: clients of the traffic cut connections on purpose.
pub(super) fn broken_by(dependency: Dependency, answer: &Kind) -> Option<&'static str> {
    let status = answer.status.filter(|status| *status >= 500)?;
    let is_payment = answer.code.as_deref() == Some(AWAITING_PAYMENT);
    match (dependency, status) {
        (_, 503) if !answer.says_when => Some("it does not say when to come again"),
        (Dependency::Postgres, 503) => None,
        // A payment that is prepared a moment later than it is asked for is no sign of an outage.
        (Dependency::Stripe | Dependency::Kafka, 503) if is_payment => None,
        (Dependency::Kafka, _) => Some("nobody is to notice"),
        (Dependency::Stripe, _) => Some("only the payment may wait"),
        (Dependency::Postgres, _) => Some("only 503 is promised"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: &str, says_when: bool) -> Kind {
        Kind {
            status: Some(status),
            code: Some(code.to_owned()),
            says_when,
        }
    }

    #[test]
    fn an_outage_is_a_503_that_says_when_to_come_again() {
        let of = |answer| broken_by(Dependency::Postgres, &answer);
        assert_eq!(of(kind(503, "unavailable", true)), None);
        assert!(of(kind(503, "unavailable", false)).is_some());
        assert!(of(kind(500, "internal", true)).is_some());
    }

    #[test]
    fn a_vendor_that_is_away_delays_payments_alone_and_a_broker_nothing() {
        for dependency in [Dependency::Stripe, Dependency::Kafka] {
            let of = |answer| broken_by(dependency, &answer);
            assert_eq!(of(kind(503, AWAITING_PAYMENT, true)), None);
            assert!(of(kind(503, "unavailable", true)).is_some());
        }
    }

    #[test]
    fn refusals_of_the_domain_and_lost_answers_are_no_fault() {
        for dependency in Dependency::ALL {
            assert_eq!(broken_by(dependency, &kind(409, "conflict", true)), None);
            let lost = Kind {
                status: None,
                code: None,
                says_when: false,
            };
            assert_eq!(broken_by(dependency, &lost), None);
        }
    }
}
