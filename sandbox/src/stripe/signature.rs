//! `Stripe-Signature` (docs.stripe.com/webhooks/signature): HMAC-SHA256 over `t.body`, once per
//! active secret, with the secret's whole text as the key.

use aws_lc_rs::hmac;

/// The header for `body`, signed at Unix time `timestamp` with every secret. Test mode sends a
/// `v0` of no meaning too, which a verifier must ignore.
pub(crate) fn sign(secrets: &[String], timestamp: i64, body: &[u8]) -> (&'static str, String) {
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&digest(secret.as_bytes(), timestamp, body));
    }
    header.push_str(",v0=");
    header.push_str(&digest(b"fake", timestamp, body));
    ("stripe-signature", header)
}

fn digest(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    hex::encode(context.sign())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_signs_the_time_and_the_body() {
        let secrets = ["whsec_a".to_owned(), "whsec_b".to_owned()];
        let (name, header) = sign(&secrets, 1_700_000_000, b"{}");
        assert_eq!(name, "stripe-signature");
        // Checked with: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_a
        let expected = "04339dc4f01d6541e8d3b7e4bd93cd2d4f680ccb28592270900b08e49cc09e57";
        assert!(header.starts_with(&format!("t=1700000000,v1={expected},v1=")));
        assert_eq!(header.matches("v1=").count(), 2);
        assert_eq!(header.matches("v0=").count(), 1);
    }
}
