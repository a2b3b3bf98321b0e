//! The vendor's memory across a restart of the sandbox.

use sandbox::{Config, WebhookHabits};

use crate::support::{Receiver, Sandbox};

#[tokio::test]
async fn records_keys_and_undelivered_events_survive_a_restart() {
    let name = format!("ramen-sandbox-{}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(name);
    let quiet = Config {
        webhooks: WebhookHabits::prompt(),
        state_file: Some(file.clone()),
        ..Config::default()
    };
    let sandbox = Sandbox::with(quiet.clone()).await;
    let authorised = sandbox.authorised("a", "pm_card_visa").await;
    let before = sandbox.sim("/_sim/ledger").await["intents"].clone();
    sandbox.stop().await;

    let mut hooks = Receiver::start().await;
    let config = Config {
        webhook_endpoints: vec![hooks.endpoint()],
        ..quiet
    };
    let again = config.clone();
    let sandbox = Sandbox::with(config).await;
    assert_eq!(sandbox.sim("/_sim/ledger").await["intents"], before);
    assert_eq!(
        hooks.kinds(3).await.len(),
        3,
        "events that nobody received are sent again"
    );
    let replay = sandbox.payment("a").await;
    assert_eq!(replay.header("idempotent-replayed"), Some("true"));
    assert_ne!(
        sandbox.payment("b").await.id(),
        authorised.id(),
        "ids are not used twice"
    );
    sandbox.advance(8 * 86_400).await;
    assert_eq!(
        hooks.next_of("charge.expired").await.body["data"]["object"]["captured"],
        false
    );
    sandbox.stop().await;

    let sandbox = Sandbox::with(again).await;
    let kept = sandbox
        .sim(&format!("/_sim/ledger?of={}", authorised.id()))
        .await;
    assert_eq!(
        kept["intents"][0]["status"], "canceled",
        "also after a second restart"
    );
    sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}
