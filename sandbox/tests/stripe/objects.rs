//! Every object, decoded with async-stripe's types: they insist on each field that Stripe says is
//! always there.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stripe_shared::{
    ApiErrors, BalanceTransaction, Charge, Dispute, Event, PaymentIntent, PaymentMethod, Refund,
    Review,
};

use crate::support::{Receiver, Sandbox};

fn decoded<T: DeserializeOwned>(value: &Value) -> T {
    match serde_json::from_value(value.clone()) {
        Ok(object) => object,
        Err(error) => panic!("{error}: {value:#}"),
    }
}

#[tokio::test]
async fn a_payment_decodes_in_each_of_its_states() {
    let sandbox = Sandbox::start().await;
    let cards = [
        ("pm_card_visa", "requires_capture"),
        ("pm_card_authenticationRequired", "requires_action"),
        ("pm_card_chargeDeclined", "requires_payment_method"),
    ];
    for (card, status) in cards {
        let payment = sandbox.payment(card).await;
        let fresh: PaymentIntent = decoded(&payment.body);
        assert_eq!(fresh.amount, 2500);
        sandbox.confirm(&payment, card).await;
        let path = format!("/v1/payment_intents/{}", payment.id());
        let path = format!("{path}?expand[]=latest_charge&expand[]=payment_method");
        let read = sandbox.get(&path).await.body;
        let intent: PaymentIntent = decoded(&read);
        assert_eq!(intent.status.as_str(), status);
        if let Some(charge) = read["latest_charge"].as_object() {
            decoded::<Charge>(&Value::Object(charge.clone()));
        }
    }
    let captured = sandbox.captured("c", "pm_card_amex").await;
    let intent: PaymentIntent = decoded(&captured.body);
    assert_eq!(intent.amount_received, 2500);
}

#[tokio::test]
async fn a_decline_decodes_with_all_that_it_carries() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let path = format!("/v1/payment_intents/{}/confirm", payment.id());
    let form = [("payment_method", "pm_card_chargeDeclinedInsufficientFunds")];
    let reply = sandbox.post(&path, "b", &form).await;
    let error: ApiErrors = decoded(&reply.body["error"]);
    assert_eq!(error.decline_code.as_deref(), Some("insufficient_funds"));
    assert!(error.payment_intent.is_some() && error.payment_method.is_some());
}

#[tokio::test]
async fn refunds_lists_and_balances_decode() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.captured("a", "pm_card_visa").await;
    let refund = sandbox
        .post("/v1/refunds", "r", &[("payment_intent", &payment.id())])
        .await;
    let decoded_refund: Refund = decoded(&refund.body);
    assert_eq!(decoded_refund.amount, 2500);
    let charges = sandbox.get("/v1/charges?transfer_group=order_1").await.body;
    let charge: Charge = decoded(&charges["data"][0]);
    assert!(charge.refunded);
    for id in [
        &charges["data"][0]["balance_transaction"],
        &refund.body["balance_transaction"],
    ] {
        let path = format!("/v1/balance_transactions/{}", id.as_str().unwrap());
        decoded::<BalanceTransaction>(&sandbox.get(&path).await.body);
    }
    let method = format!(
        "/v1/payment_methods/{}",
        payment.body["payment_method"].as_str().unwrap()
    );
    decoded::<PaymentMethod>(&sandbox.get(&method).await.body);
}

#[tokio::test]
async fn events_decode_with_their_objects() {
    let mut hooks = Receiver::start().await;
    let sandbox = Sandbox::start().await;
    let endpoint = hooks.endpoint();
    let body = json!({"url": endpoint.url, "secret": endpoint.secret});
    sandbox.control("/_sim/endpoints", body).await;
    sandbox.captured("a", "pm_card_createDispute").await;
    sandbox.authorised("b", "pm_card_riskLevelElevated").await;
    sandbox.authorised("c", "pm_card_chargeDeclined").await;
    sandbox.advance(5).await;
    let mut found = Vec::new();
    while !["charge.dispute.created", "review.opened", "charge.failed"]
        .iter()
        .all(|kind| found.iter().any(|seen| seen == kind))
    {
        let hook = hooks.next().await;
        decoded::<Event>(&hook.body);
        let object = &hook.body["data"]["object"];
        match object["object"].as_str().unwrap() {
            "payment_intent" => drop(decoded::<PaymentIntent>(object)),
            "charge" => drop(decoded::<Charge>(object)),
            "dispute" => drop(decoded::<Dispute>(object)),
            "review" => drop(decoded::<Review>(object)),
            other => panic!("no test decodes {other}"),
        }
        found.push(hook.kind().to_owned());
    }
}
