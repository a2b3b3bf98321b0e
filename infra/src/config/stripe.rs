//! Stripe, or the sandbox that plays it.

use std::net::IpAddr;

use super::fault::Refusals;
use super::secret::Secret;
use super::vars::Vars;

/// What the sandbox accepts. Production refuses the secret ones.
const DEV_SECRET: &str = "sk_test_sandbox";
const DEV_PUBLISHABLE: &str = "pk_test_sandbox";
const DEV_WEBHOOK: &str = "whsec_sandbox";

/// `RAMEN_STRIPE_URL` (none: the sandbox), `RAMEN_STRIPE_SECRET_KEY`, `RAMEN_STRIPE_PUBLISHABLE_KEY`,
/// `RAMEN_STRIPE_WEBHOOK_SECRETS` (comma-separated: two while rotating).
#[derive(Clone, Debug)]
pub struct Stripe {
    /// Origin of the API. `None`: the sandbox on `RAMEN_SANDBOX_LISTEN`.
    pub url: Option<String>,
    /// `sk_…`.
    pub secret_key: Secret<String>,
    /// `pk_…`: public.
    pub publishable_key: String,
    /// `whsec_…`.
    pub webhook_secrets: Vec<Secret<String>>,
}

impl Stripe {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        Self {
            url: vars.optional("RAMEN_STRIPE_URL"),
            secret_key: Secret::new(vars.text("RAMEN_STRIPE_SECRET_KEY", DEV_SECRET)),
            publishable_key: vars.text("RAMEN_STRIPE_PUBLISHABLE_KEY", DEV_PUBLISHABLE),
            webhook_secrets: vars
                .words("RAMEN_STRIPE_WEBHOOK_SECRETS", DEV_WEBHOOK)
                .into_iter()
                .map(Secret::new)
                .collect(),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        refuse.when(
            self.secret_key.expose() == DEV_SECRET,
            "RAMEN_STRIPE_SECRET_KEY",
            "production needs a key of its own",
        );
        refuse.when(
            self.webhook_secrets
                .iter()
                .any(|secret| secret.expose() == DEV_WEBHOOK),
            "RAMEN_STRIPE_WEBHOOK_SECRETS",
            "production needs a secret of its own",
        );
        refuse.when(
            !self.url.as_deref().is_some_and(is_remote_https),
            "RAMEN_STRIPE_URL",
            "production needs https and no sandbox",
        );
    }
}

fn is_remote_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    !host.is_empty() && host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
}
