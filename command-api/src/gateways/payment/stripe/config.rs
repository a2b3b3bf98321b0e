//! What must be known to talk to Stripe.

use infra::config::{Secret, Stage, Stripe};

/// Keys and addresses of one Stripe account.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// Origin of the API with a slash at its end.
    pub base_url: String,
    /// `sk_…` or `rk_…`.
    pub secret_key: Secret<String>,
    /// `pk_…`, which is public.
    pub publishable_key: String,
    /// Signing secrets of the webhook endpoint: two while one is being replaced.
    pub webhook_secrets: Vec<Secret<String>>,
    /// Whether answers of the simulator are refused.
    pub refuse_sandbox: bool,
}

impl StripeConfig {
    /// The settings with `sandbox_url` standing in where no address is set.
    pub fn new(settings: &Stripe, stage: Stage, sandbox_url: &str) -> Self {
        let url = settings.url.as_deref().unwrap_or(sandbox_url);
        Self {
            base_url: format!("{}/", url.trim_end_matches('/')),
            secret_key: settings.secret_key.clone(),
            publishable_key: settings.publishable_key.clone(),
            webhook_secrets: settings.webhook_secrets.clone(),
            refuse_sandbox: stage == Stage::Production,
        }
    }

    /// Whether the key moves real money. An event that says otherwise is not for us.
    pub fn is_live(&self) -> bool {
        let key = self.secret_key.expose();
        key.starts_with("sk_live_") || key.starts_with("rk_live_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: Option<&str>, key: &str) -> StripeConfig {
        let settings = Stripe {
            url: url.map(str::to_owned),
            secret_key: Secret::new(key.to_owned()),
            publishable_key: "pk_test_x".to_owned(),
            webhook_secrets: vec![],
        };
        StripeConfig::new(&settings, Stage::Development, "http://127.0.0.1:7073")
    }

    #[test]
    fn the_address_ends_in_one_slash_and_the_key_tells_the_mode() {
        assert_eq!(config(None, "sk_test_x").base_url, "http://127.0.0.1:7073/");
        let live = config(Some("https://api.stripe.com/"), "rk_live_x");
        assert_eq!(live.base_url, "https://api.stripe.com/");
        assert!(live.is_live() && !config(None, "sk_test_live_").is_live());
    }
}
