//! Settings read from a map, and what production refuses.

use super::*;
use std::collections::HashMap;

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let vars: HashMap<_, _> = vars.iter().copied().collect();
    Config::read(&|name| Ok(vars.get(name).map(|value| (*value).to_owned())))
}

fn refused(vars: &[(&str, &str)]) -> Vec<String> {
    read(vars)
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.name)
        .collect()
}

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn production() -> Vec<(&'static str, &'static str)> {
    vec![
        ("RAMEN_ENV", "production"),
        (
            "DATABASE_URL",
            "postgres://app@events.example/ramen?sslmode=verify-full",
        ),
        (
            "VAULT_DATABASE_URL",
            "postgres://vault@vault.example/ramen?sslmode=verify-full",
        ),
        ("RAMEN_TOKEN_KEYS", KEY),
        ("RAMEN_VAULT_KEYS", KEY),
        ("RAMEN_CHECKPOINT_KEYS", KEY),
        ("RAMEN_STRIPE_URL", "https://api.stripe.com/"),
        ("RAMEN_STRIPE_SECRET_KEY", "sk_live_x"),
        ("RAMEN_STRIPE_WEBHOOK_SECRETS", "whsec_a,whsec_b"),
    ]
}

#[test]
fn development_needs_nothing() {
    let config = read(&[]).unwrap();
    assert_eq!(config.stage, Stage::Development);
    assert_eq!(config.clock.speed, 1);
    assert!(config.kafka.is_none() && config.postgres.events.is_none());
}

#[test]
fn every_fault_is_reported_at_once() {
    let names = refused(&[
        ("RAMEN_ENV", "staging"),
        ("RAMEN_LISTEN", "nowhere"),
        ("RAMEN_CLOCK_SPEED", "0"),
        ("RAMEN_CLOCK_ORIGIN", "noon"),
        ("DATABASE_URL", "mysql://x"),
        ("RAMEN_VAULT_KEYS", "k1:short"),
    ]);
    for name in [
        "RAMEN_ENV",
        "RAMEN_LISTEN",
        "RAMEN_CLOCK_SPEED",
        "RAMEN_CLOCK_ORIGIN",
        "DATABASE_URL",
        "RAMEN_VAULT_KEYS",
    ] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} is missing from {names:?}"
        );
    }
}

#[test]
#[cfg(not(feature = "faults"))]
fn production_starts_when_everything_is_safe() {
    let config = read(&production()).unwrap();
    assert_eq!(config.stripe.webhook_secrets.len(), 2);
}

#[test]
#[cfg(feature = "faults")]
fn production_refuses_a_build_that_can_inject_faults_and_nothing_else() {
    assert_eq!(refused(&production()), ["RAMEN_ENV"]);
}

#[test]
fn production_refuses_each_unsafe_setting() {
    let cases = [
        ("RAMEN_TOKEN_KEYS", ""),
        ("RAMEN_VAULT_KEYS", ""),
        ("RAMEN_CHECKPOINT_KEYS", ""),
        ("RAMEN_STRIPE_URL", ""),
        ("RAMEN_STRIPE_URL", "http://api.stripe.com"),
        ("RAMEN_STRIPE_URL", "https://127.0.0.1:7073"),
        ("RAMEN_STRIPE_URL", "https://[::1]:7073"),
        ("RAMEN_STRIPE_SECRET_KEY", ""),
        ("RAMEN_STRIPE_WEBHOOK_SECRETS", "whsec_sandbox"),
        ("RAMEN_CLOCK_SPEED", "60"),
        ("RAMEN_CLOCK_ORIGIN", "2026-01-01T00:00:00Z"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("DATABASE_URL", "postgres://app@events.example/ramen"),
        ("DATABASE_URL", ""),
        (
            "VAULT_DATABASE_URL",
            "postgres://v@events.example/other?sslmode=verify-full",
        ),
    ];
    for (name, value) in cases {
        let mut vars = production();
        vars.retain(|(known, _)| *known != name);
        vars.push((name, value));
        let names = refused(&vars);
        let expected = if name == "RAMEN_CLOCK_ORIGIN" {
            "RAMEN_CLOCK_SPEED"
        } else {
            name
        };
        assert!(
            names.iter().any(|found| found == expected),
            "{name}={value}: {names:?}"
        );
    }
    let mut vars = production();
    vars.push(("KAFKA_BROKERS", "b:9092"));
    assert!(refused(&vars).contains(&"KAFKA_SECURITY_PROTOCOL".to_owned()));
}

#[test]
fn traces_leave_only_when_a_collector_is_named() {
    let unnamed = read(&[("OTEL_SERVICE_NAME", "x")]).unwrap();
    assert!(unnamed.telemetry.traces.is_none());
    let named = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ];
    let traces = read(&named).unwrap().telemetry.traces.unwrap();
    assert_eq!((traces.service.as_str(), traces.sample), ("ramen", 0.25));
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
    ] {
        assert_eq!(refused(&[(name, value)]), [name], "{value}");
    }
}

#[test]
fn secrets_do_not_print() {
    let config = read(&[
        ("DATABASE_URL", "postgres://app:hunter2@db/ramen"),
        ("RAMEN_STRIPE_SECRET_KEY", "sk_live_hunter2"),
        ("RAMEN_VAULT_KEYS", KEY),
        ("RAMEN_CHECKPOINT_KEYS", KEY),
    ])
    .unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("[0, 0"));
    let error = read(&[("DATABASE_URL", "nonsense:hunter2")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"));
}

#[test]
fn keys_keep_their_order_and_refuse_repeats() {
    let two = format!("{KEY},k2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let config = read(&[("RAMEN_TOKEN_KEYS", &two)]).unwrap();
    let ids: Vec<_> = config
        .tokens
        .keys
        .iter()
        .map(|key| key.id.as_str())
        .collect();
    assert_eq!(ids, ["k1", "k2"]);
    assert_eq!(
        refused(&[("RAMEN_TOKEN_KEYS", &format!("{KEY},{KEY}"))]),
        ["RAMEN_TOKEN_KEYS"]
    );
}
