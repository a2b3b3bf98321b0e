//! Stripe's webhooks: is it really from Stripe, and what is it about. A webhook is news, not truth:
//! what it says of an object is not read, the object is fetched.
//!
//! Source: docs.stripe.com/webhooks#verify-manually; the rules for several signatures, several secrets
//! and the window are those of integrations §3.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use domain::payment::payment::{IntentId, VendorRefundId};
use infra::config::Secret;
use serde::Deserialize;

use crate::gateways::payment::{Notice, Subject};

/// A signature is believed when its time differs from ours by no more than this many seconds.
const TOLERANCE_SECONDS: u64 = 300;
/// Signatures looked at in one header. Two stand there while a secret is rolled.
const SIGNATURES_MAX: usize = 16;

/// Why a webhook is not believed. The sender is not told which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No header, or none that can be read.
    #[error("no usable signature header")]
    Malformed,
    /// Too long ago, or in the future.
    #[error("the signature's time is too far from ours")]
    Untimely,
    /// No signature fits any secret.
    #[error("no signature fits")]
    Forged,
}

/// What our clock shows, and how fast it goes: on a simulated day a delivery takes longer by that.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The marketplace's time.
    pub now: DateTime<Utc>,
    /// Marketplace seconds in a real one; 1 in production.
    pub speed: u32,
}

/// Checks `Stripe-Signature` over the raw bytes: any `v1` may fit any of the active secrets.
///
/// # Errors
/// Why the body is not to be believed.
pub fn verify(
    header: &str,
    body: &[u8],
    secrets: &[Secret<String>],
    clock: Shown,
) -> Result<(), Unverified> {
    let (time, signatures) = parse_header(header).ok_or(Unverified::Malformed)?;
    let seconds: i64 = time.parse().map_err(|_| Unverified::Malformed)?;
    let tolerance = TOLERANCE_SECONDS.saturating_mul(u64::from(clock.speed));
    if clock.now.timestamp().abs_diff(seconds) > tolerance {
        return Err(Unverified::Untimely);
    }
    let message = [time.as_bytes(), b".", body].concat();
    let mut fits = false;
    for secret in secrets {
        // The key is the secret's text as it stands, `whsec_` included.
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        for signature in &signatures {
            // Constant time, and no early end: how long it takes does not tell which one fitted.
            fits |= hmac::verify(&key, &message, signature).is_ok();
        }
    }
    if fits {
        Ok(())
    } else {
        Err(Unverified::Forged)
    }
}

/// The time as it was written, since that text is signed, and the `v1` signatures. Other schemes are
/// ignored, as are elements that are no pairs.
fn parse_header(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let pairs = || {
        header
            .split(',')
            .filter_map(|element| element.trim().split_once('='))
    };
    let mut times = pairs()
        .filter(|(name, _)| *name == "t")
        .map(|(_, time)| time);
    let time = times.next()?;
    let plain = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
    let signatures: Vec<_> = pairs()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, signature)| hex::decode(signature).ok())
        .take(SIGNATURES_MAX)
        .collect();
    let usable = plain && times.next().is_none() && !signatures.is_empty();
    usable.then_some((time, signatures))
}

/// The envelope, leniently: it may gain members and types at any time.
#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "object")]
    kind: String,
    payment_intent: Option<Expanded>,
}

/// An id, or the object whose id it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expanded {
    Id(String),
    Object { id: String },
}

/// An intent was made, which is no news: whoever makes one hears of it, or asks again with its key.
const MADE: &str = "payment_intent.created";

/// Reads an event's envelope.
///
/// # Errors
/// When the body is no event of Stripe's.
pub(super) fn parse(body: &[u8]) -> Result<Notice, serde_json::Error> {
    let Envelope {
        id,
        kind,
        livemode,
        data,
    } = serde_json::from_slice(body)?;
    let subject = match kind.as_str() {
        MADE => Subject::Other,
        _ => data.object.subject(),
    };
    Ok(Notice {
        id,
        kind,
        live: livemode,
        subject,
    })
}

impl Object {
    fn subject(self) -> Subject {
        match self.kind.as_str() {
            "payment_intent" => intent(self.id),
            "refund" => VendorRefundId::parse(self.id).map_or(Subject::Other, Subject::Refund),
            // A charge stands for the payment that made it.
            "charge" => match self.payment_intent {
                Some(Expanded::Id(id) | Expanded::Object { id }) => intent(id),
                None => Subject::Other,
            },
            _ => Subject::Other,
        }
    }
}

fn intent(id: String) -> Subject {
    IntentId::parse(id).map_or(Subject::Other, Subject::Intent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"payment_intent.succeeded"}"#;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn shown() -> Shown {
        Shown {
            now: now(),
            speed: 1,
        }
    }

    fn signature(secret: &str, time: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let message = [time.to_string().as_bytes(), b".", body].concat();
        hex::encode(hmac::sign(&key, &message))
    }

    fn header(secret: &str, time: i64) -> String {
        format!("t={time},v1={}", signature(secret, time, BODY))
    }

    fn check(header: &str) -> Result<(), Unverified> {
        verify(
            header,
            BODY,
            &[secret("whsec_a"), secret("whsec_b")],
            shown(),
        )
    }

    /// Made outside this program: `HMAC-SHA256("whsec_test", "1790000000.{}")` of Python's `hmac`.
    #[test]
    fn a_signature_made_elsewhere_is_believed() {
        let made = "1c2847ad1f8158a1da978f36627ac1f07f7fd027321ac9ad40bccc06743f8396";
        let header = format!("t=1790000000,v1={made}");
        assert_eq!(
            verify(&header, b"{}", &[secret("whsec_test")], shown()),
            Ok(())
        );
    }

    #[test]
    fn any_signature_may_fit_any_secret() {
        let time = now().timestamp();
        let (a, b) = (
            signature("whsec_a", time, BODY),
            signature("whsec_b", time, BODY),
        );
        let other = signature("whsec_other", time, BODY);
        for signatures in [
            format!("v1={a}"),
            format!("v1={b}"),
            format!("v1={other},v1={a}"),
            format!("v1={b},v1={other}"),
            format!("v0={other},v1={other},v1={b},v2=x"),
            format!(" v1={a} , junk"),
        ] {
            assert_eq!(
                check(&format!("t={time},{signatures}")),
                Ok(()),
                "{signatures}"
            );
        }
    }

    #[test]
    fn time_may_differ_by_five_minutes_both_ways() {
        for (shift, expected) in [
            (0, Ok(())),
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(Unverified::Untimely)),
            (-301, Err(Unverified::Untimely)),
            (i64::MAX - 1_790_000_000, Err(Unverified::Untimely)),
        ] {
            assert_eq!(
                check(&header("whsec_a", now().timestamp() + shift)),
                expected,
                "{shift}"
            );
        }
    }

    #[test]
    fn a_fast_clock_allows_for_the_time_that_a_delivery_really_takes() {
        let header = header("whsec_a", now().timestamp() - 600);
        let check = |speed| {
            verify(
                &header,
                BODY,
                &[secret("whsec_a")],
                Shown { now: now(), speed },
            )
        };
        assert_eq!((check(1), check(2)), (Err(Unverified::Untimely), Ok(())));
    }

    #[test]
    fn what_is_not_signed_like_this_is_refused() {
        let time = now().timestamp();
        let good = signature("whsec_a", time, BODY);
        let other_body = signature("whsec_a", time, b"{}");
        for (header, why) in [
            (String::new(), Unverified::Malformed),
            (format!("v1={good}"), Unverified::Malformed),
            (format!("t={time}"), Unverified::Malformed),
            (format!("t={time},v0={good}"), Unverified::Malformed),
            (format!("t={time},v1=xyz"), Unverified::Malformed),
            (format!("t={time},v1={}", &good[1..]), Unverified::Malformed),
            (format!("t=,v1={good}"), Unverified::Malformed),
            (format!("t=-5,v1={good}"), Unverified::Malformed),
            (format!("t=1e9,v1={good}"), Unverified::Malformed),
            (
                format!("t=99999999999999999999,v1={good}"),
                Unverified::Malformed,
            ),
            (
                format!("t={time},t={time},v1={good}"),
                Unverified::Malformed,
            ),
            (format!("t={time},v1={}", &good[2..]), Unverified::Forged),
            (format!("t={time},v1={other_body}"), Unverified::Forged),
            (header_of_another_endpoint(time), Unverified::Forged),
            (format!("t={},v1={good}", time + 1), Unverified::Forged),
        ] {
            assert_eq!(check(&header), Err(why), "{header}");
        }
    }

    fn header_of_another_endpoint(time: i64) -> String {
        header("whsec_connect", time)
    }

    #[test]
    fn the_raw_bytes_count() {
        let time = now().timestamp();
        let spaced = br#"{"id": "evt_1","type":"payment_intent.succeeded"}"#;
        let header = header("whsec_a", time);
        assert_eq!(
            verify(&header, spaced, &[secret("whsec_a")], shown()),
            Err(Unverified::Forged)
        );
        assert_eq!(verify(&header, BODY, &[], shown()), Err(Unverified::Forged));
    }

    fn event(object: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"event","type":"x","created":1,"livemode":true,"later":{{}},
                "data":{{"object":{object},"previous_attributes":{{}}}}}}"#
        )
    }

    #[test]
    fn events_name_what_to_look_at() {
        let intent = || Subject::Intent(IntentId::parse("pi_1").unwrap());
        for (object, subject) in [
            (
                r#"{"id":"pi_1","object":"payment_intent","amount":"x"}"#,
                intent(),
            ),
            (
                r#"{"id":"ch_1","object":"charge","payment_intent":"pi_1"}"#,
                intent(),
            ),
            (
                r#"{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_1","a":1}}"#,
                intent(),
            ),
            (
                r#"{"id":"ch_1","object":"charge","payment_intent":null}"#,
                Subject::Other,
            ),
            (
                r#"{"id":"re_1","object":"refund","payment_intent":"pi_1"}"#,
                Subject::Refund(VendorRefundId::parse("re_1").unwrap()),
            ),
            (r#"{"id":"dp_1","object":"dispute"}"#, Subject::Other),
            (r#"{"object":"balance"}"#, Subject::Other),
            (r#"{"id":"pi 1","object":"payment_intent"}"#, Subject::Other),
        ] {
            let notice = parse(event(object).as_bytes()).unwrap();
            assert_eq!((notice.subject, notice.live), (subject, true), "{object}");
        }
    }

    #[test]
    fn that_an_intent_was_made_is_no_news() {
        let made = event(r#"{"id":"pi_1","object":"payment_intent"}"#)
            .replace(r#""type":"x""#, r#""type":"payment_intent.created""#);
        assert_eq!(parse(made.as_bytes()).unwrap().subject, Subject::Other);
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"id":1}"#,
            "\u{0}",
            r#"{"id":"e","type":"t"}"#,
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
