//! What a caller decides about the sandbox: keys, seed, clock, endpoints and webhook habits.
//!
//! Nothing here is read from the environment; the binary and the tests fill it in.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The settings of the sandbox. `Config::default()` is a complete, realistic one.
#[derive(Debug, Clone)]
pub struct Config {
    /// Start of every random choice and id. One seed and one order of calls give one history.
    pub seed: u64,
    /// How many simulated seconds pass in one real second; scales every vendor timeline.
    pub speed: f64,
    /// What the clock shows at `anchor`; `None` starts at the real time.
    pub origin: Option<DateTime<Utc>>,
    /// The real instant at which the clock showed `origin`; `None` means when `run` starts.
    /// Give the application's own anchor, so that both clocks agree at any speed.
    pub anchor: Option<DateTime<Utc>>,
    /// The secret API key that is accepted (`sk_test_…`).
    pub secret_key: String,
    /// The publishable API key that is accepted from browsers (`pk_test_…`).
    pub publishable_key: String,
    /// Where webhooks go.
    pub webhook_endpoints: Vec<WebhookEndpoint>,
    /// How webhooks leave.
    pub webhooks: WebhookHabits,
    /// File in which the vendor's own records survive a restart; `None` keeps them in memory.
    pub state_file: Option<PathBuf>,
}

/// A place that receives webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Absolute URL that is posted to.
    pub url: String,
    /// Signing secret; the whole text (`whsec_` included) is the HMAC key.
    pub secret: String,
}

/// When and how often webhooks leave. Times are simulated; `speed` scales them.
#[derive(Debug, Clone)]
pub struct WebhookHabits {
    /// Shortest delay after the change.
    pub delay_min: Duration,
    /// Longest delay after the change.
    pub delay_max: Duration,
    /// Events sent twice, per ten thousand.
    pub duplicates_bp: u32,
    /// Events that wait until a later one has left, per ten thousand.
    pub reorders_bp: u32,
    /// Waits before the second, third, … attempt; when they are used up the delivery has failed.
    /// Stripe publishes only the total (three days); these steps are ours.
    pub retry_after: Vec<Duration>,
    /// How long an endpoint may take to answer, in real time.
    pub answer_max: Duration,
}

impl Default for WebhookHabits {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let steps = [
            10,
            MINUTE,
            5 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
        ];
        let late = [12 * HOUR; 4];
        Self {
            delay_min: Duration::from_millis(50),
            delay_max: Duration::from_millis(1500),
            duplicates_bp: 200,
            reorders_bp: 500,
            retry_after: steps
                .into_iter()
                .chain(late)
                .map(Duration::from_secs)
                .collect(),
            answer_max: Duration::from_secs(10),
        }
    }
}

impl WebhookHabits {
    /// Webhooks leave at once, once and in order: for tests that need no weather.
    pub fn prompt() -> Self {
        Self {
            delay_min: Duration::ZERO,
            delay_max: Duration::ZERO,
            duplicates_bp: 0,
            reorders_bp: 0,
            ..Self::default()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            origin: None,
            anchor: None,
            secret_key: "sk_test_ramen_sandbox".to_owned(),
            publishable_key: "pk_test_ramen_sandbox".to_owned(),
            webhook_endpoints: Vec::new(),
            webhooks: WebhookHabits::default(),
            state_file: None,
        }
    }
}
