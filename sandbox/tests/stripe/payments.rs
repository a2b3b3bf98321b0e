//! The life of a payment: every row of the state table.

use serde_json::json;

use crate::support::{Receiver, Sandbox};

type Form<'a> = &'a [(&'a str, &'a str)];

fn path(id: &str, rest: &str) -> String {
    format!("/v1/payment_intents/{id}{rest}")
}

#[tokio::test]
async fn a_new_payment_asks_for_a_method() {
    let sandbox = Sandbox::start().await;
    let reply = sandbox.payment("a").await;
    assert_eq!(reply.body["status"], "requires_payment_method");
    assert_eq!(reply.body["metadata"]["order_id"], "a");
    assert!(
        reply.body["client_secret"]
            .as_str()
            .unwrap()
            .starts_with(&reply.id())
    );
    assert_eq!(reply.header("x-ramen-sandbox"), Some("1"));
    assert!(reply.header("request-id").unwrap().starts_with("req_"));
    assert_eq!(sandbox.get(&path(&reply.id(), "")).await.body, reply.body);
    assert!(sandbox.breaches().await.is_empty());
}

#[tokio::test]
async fn an_attached_method_waits_for_confirmation() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let attached = sandbox
        .post(
            &path(&payment.id(), ""),
            "attach",
            &[("payment_method", "pm_card_visa")],
        )
        .await;
    assert_eq!(attached.body["status"], "requires_confirmation");
    let confirmed = sandbox
        .post(&path(&payment.id(), "/confirm"), "confirm", &[])
        .await;
    assert_eq!(confirmed.body["status"], "requires_capture");
}

#[tokio::test]
async fn a_browser_authorises_and_sees_only_its_part() {
    let sandbox = Sandbox::start().await;
    let seen = sandbox.authorised("a", "pm_card_visa").await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert_eq!(seen.body["status"], "requires_capture");
    assert!(seen.body.get("metadata").is_none() && seen.body.get("latest_charge").is_none());

    let whole = sandbox
        .get(&path(&seen.id(), "?expand[]=latest_charge"))
        .await
        .body;
    assert_eq!(whole["amount_capturable"], 2500);
    let charge = &whole["latest_charge"];
    assert_eq!(charge["captured"], false);
    let before = charge["payment_method_details"]["card"]["capture_before"]
        .as_i64()
        .unwrap();
    assert_eq!(before - charge["created"].as_i64().unwrap(), 7 * 86_400);
}

#[tokio::test]
async fn a_browser_needs_the_client_secret() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let secret = payment.body["client_secret"].as_str().unwrap();
    let good = sandbox
        .browser_get(&path(&payment.id(), &format!("?client_secret={secret}")))
        .await;
    assert_eq!(good.body["status"], "requires_payment_method");
    let none = sandbox.browser_get(&path(&payment.id(), "")).await;
    assert_eq!((none.status, none.error("param")), (400, "client_secret"));
    let wrong = sandbox
        .browser_get(&path(&payment.id(), "?client_secret=x"))
        .await;
    assert_eq!((wrong.status, wrong.error("param")), (400, "client_secret"));
    let capture = sandbox
        .browser_post(&path(&payment.id(), "/capture"), &[])
        .await;
    assert_eq!(
        (capture.status, capture.error("code")),
        (403, "secret_key_required")
    );
}

#[tokio::test]
async fn declines_answer_402_and_ask_for_another_method() {
    let table = [
        (
            "pm_card_visa_chargeDeclined",
            "card_declined",
            "generic_decline",
        ),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        (
            "pm_card_visa_chargeDeclinedLostCard",
            "card_declined",
            "lost_card",
        ),
        (
            "pm_card_visa_chargeDeclinedStolenCard",
            "card_declined",
            "stolen_card",
        ),
        (
            "pm_card_chargeDeclinedExpiredCard",
            "expired_card",
            "expired_card",
        ),
        (
            "pm_card_chargeDeclinedIncorrectCvc",
            "incorrect_cvc",
            "incorrect_cvc",
        ),
        (
            "pm_card_chargeDeclinedProcessingError",
            "processing_error",
            "processing_error",
        ),
        (
            "pm_card_chargeCustomerFail",
            "card_declined",
            "generic_decline",
        ),
        (
            "pm_card_threeDSecureRequiredProcessingError",
            "card_declined",
            "generic_decline",
        ),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ];
    let sandbox = Sandbox::start().await;
    for (card, code, decline_code) in table {
        let payment = sandbox.payment(card).await;
        let confirm = path(&payment.id(), "/confirm");
        let form = [("payment_method", card)];
        let reply = sandbox.post(&confirm, &format!("{card}-1"), &form).await;
        assert_eq!(reply.status, 402, "{card}");
        assert_eq!(
            (reply.error("code"), reply.error("decline_code")),
            (code, decline_code)
        );
        let inside = &reply.body["error"]["payment_intent"];
        assert_eq!(inside["status"], "requires_payment_method");
        assert_eq!(inside["last_payment_error"]["code"], code);
        // The same payment goes on with a new charge.
        let form = [("payment_method", "pm_card_visa")];
        let again = sandbox.post(&confirm, &format!("{card}-2"), &form).await;
        assert_eq!(again.body["status"], "requires_capture");
        assert_ne!(again.body["latest_charge"], inside["latest_charge"]);
    }
    assert!(sandbox.breaches().await.is_empty());
}

#[tokio::test]
async fn an_unknown_method_is_missing() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let reply = sandbox.confirm(&payment, "pm_card_nonesuch").await;
    assert_eq!(
        (reply.status, reply.error("code")),
        (400, "resource_missing")
    );
}

#[tokio::test]
async fn a_challenge_is_passed_or_failed() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.payment("a").await;
    let asked = sandbox
        .confirm(&payment, "pm_card_threeDSecure2Required")
        .await;
    assert_eq!(asked.body["status"], "requires_action");
    assert_eq!(asked.body["next_action"]["type"], "use_stripe_sdk");
    assert_eq!(
        hooks.kinds(2).await,
        ["payment_intent.created", "payment_intent.requires_action"]
    );
    let act = json!({"payment_intent": payment.id(), "outcome": "fail"});
    let failed = sandbox.control("/_sim/act/complete_challenge", act).await;
    assert_eq!(failed["status"], "requires_payment_method");
    assert_eq!(hooks.kinds(1).await, ["payment_intent.payment_failed"]);
    let read = sandbox.get(&path(&payment.id(), "")).await;
    let code = &read.body["last_payment_error"]["code"];
    assert_eq!(code, "payment_intent_authentication_failure");

    sandbox
        .confirm(&payment, "pm_card_threeDSecure2Required")
        .await;
    let act = json!({"payment_intent": payment.id()});
    let passed = sandbox.control("/_sim/act/complete_challenge", act).await;
    assert_eq!(passed["status"], "requires_capture");
    let arrived = hooks.kinds(3).await;
    assert!(arrived.contains(&"payment_intent.amount_capturable_updated".to_owned()));
}

#[tokio::test]
async fn the_challenge_page_sends_the_customer_back() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let secret = payment.body["client_secret"].as_str().unwrap();
    let form = [
        ("client_secret", secret),
        ("payment_method", "pm_card_authenticationRequired"),
        ("return_url", "https://shop.example/done"),
    ];
    let asked = sandbox
        .browser_post(&path(&payment.id(), "/confirm"), &form)
        .await;
    let action = &asked.body["next_action"];
    assert_eq!(action["type"], "redirect_to_url");
    let url = action["redirect_to_url"]["url"].as_str().unwrap();
    let still = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    assert_eq!(still.get(url).send().await.unwrap().status(), 200);
    let sent = still
        .post(url)
        .form(&[("outcome", "pass")])
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 303);
    let back = sent.headers()["location"].to_str().unwrap();
    assert!(back.starts_with("https://shop.example/done?payment_intent=pi_"));
    assert!(back.ends_with("&redirect_status=succeeded"));
    let read = sandbox.get(&path(&payment.id(), "")).await;
    assert_eq!(read.body["status"], "requires_capture");
}

#[tokio::test]
async fn an_absent_customer_cannot_be_challenged() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let form = [
        ("payment_method", "pm_card_authenticationRequired"),
        ("off_session", "true"),
    ];
    let reply = sandbox
        .post(&path(&payment.id(), "/confirm"), "b", &form)
        .await;
    assert_eq!(
        (reply.status, reply.error("code")),
        (402, "authentication_required")
    );
}

#[tokio::test]
async fn a_slow_approval_is_processing_first() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    sandbox
        .control(
            "/_sim/act/slow_approvals",
            json!({"confirmations": 1, "seconds": 30.0}),
        )
        .await;
    let payment = sandbox.authorised("a", "pm_card_visa").await;
    assert_eq!(payment.body["status"], "processing");
    sandbox.advance(31).await;
    let read = sandbox.get(&path(&payment.id(), "")).await;
    assert_eq!(read.body["status"], "requires_capture");
    assert!(
        hooks
            .kinds(4)
            .await
            .contains(&"payment_intent.processing".to_owned())
    );
}

#[tokio::test]
async fn part_of_an_authorisation_is_captured_and_the_rest_released() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.authorised("a", "pm_card_visa").await;
    hooks.kinds(3).await;
    let capture = path(&payment.id(), "/capture");
    let much = sandbox
        .post(&capture, "much", &[("amount_to_capture", "2501")])
        .await;
    assert_eq!((much.status, much.error("code")), (400, "amount_too_large"));
    let reply = sandbox
        .post(&capture, "part", &[("amount_to_capture", "1800")])
        .await;
    assert_eq!(reply.body["status"], "succeeded");
    assert_eq!(reply.body["amount_received"], 1800);
    assert_eq!(reply.body["amount_capturable"], 0);
    assert_eq!(
        hooks.kinds(2).await,
        ["charge.captured", "payment_intent.succeeded"]
    );
    let again = sandbox.post(&capture, "again", &[]).await;
    assert_eq!(
        (again.status, again.error("code")),
        (400, "payment_intent_unexpected_state")
    );
    assert_eq!(again.body["error"]["payment_intent"]["status"], "succeeded");
    assert_eq!(
        sandbox.breaches().await,
        ["invalid_request", "illegal_move"]
    );
    let ledger = sandbox.sim("/_sim/ledger?of=a").await;
    let shown = &ledger["intents"][0];
    assert_eq!(shown["captures"][0]["amount"], 1800);
    assert_eq!(shown["captures"][0]["idempotency_key"], "part");
    assert_eq!(shown["idempotency_keys"], json!(["a", "part"]));
    assert_eq!(ledger["book"]["usd"]["sum"], 0);
}

#[tokio::test]
async fn cancelling_releases_the_authorisation() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.authorised("a", "pm_card_visa").await;
    hooks.kinds(3).await;
    let cancel = path(&payment.id(), "/cancel");
    let form = [("cancellation_reason", "requested_by_customer")];
    let reply = sandbox.post(&cancel, "b", &form).await;
    assert_eq!(reply.body["status"], "canceled");
    assert_eq!(reply.body["cancellation_reason"], "requested_by_customer");
    assert_eq!(reply.body["amount_capturable"], 0);
    assert_eq!(
        hooks.kinds(2).await,
        ["charge.refunded", "payment_intent.canceled"]
    );
    let again = sandbox.post(&cancel, "c", &[]).await;
    assert_eq!(again.error("code"), "payment_intent_unexpected_state");
}

#[tokio::test]
async fn an_authorisation_lapses_after_seven_days() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.authorised("a", "pm_card_visa").await;
    hooks.kinds(3).await;
    sandbox.advance(7 * 86_400 - 60).await;
    let read = sandbox.get(&path(&payment.id(), "")).await;
    assert_eq!(read.body["status"], "requires_capture");
    sandbox.advance(120).await;
    let read = sandbox.get(&path(&payment.id(), "")).await;
    assert_eq!(read.body["status"], "canceled");
    assert_eq!(read.body["cancellation_reason"], "automatic");
    assert_eq!(
        hooks.kinds(2).await,
        ["charge.expired", "payment_intent.canceled"]
    );
    let late = sandbox
        .post(&path(&payment.id(), "/capture"), "late", &[])
        .await;
    assert_eq!(late.error("code"), "payment_intent_unexpected_state");
    assert!(
        sandbox.breaches().await.is_empty(),
        "a lapse is the vendor's doing"
    );
}

#[tokio::test]
async fn an_automatic_payment_succeeds_at_once() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let form = [
        ("amount", "1200"),
        ("currency", "JPY"),
        ("confirm", "true"),
        ("payment_method", "pm_card_mastercard"),
        ("payment_method_types[]", "card"),
        ("expand[0]", "latest_charge.balance_transaction"),
    ];
    let reply = sandbox.post("/v1/payment_intents", "a", &form).await;
    assert_eq!(reply.body["status"], "succeeded");
    assert_eq!(reply.body["currency"], "jpy");
    let charge = &reply.body["latest_charge"];
    assert_eq!(charge["balance_transaction"]["status"], "pending");
    let expected = [
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
    ];
    assert_eq!(hooks.kinds(3).await, expected);
    sandbox.advance(2 * 86_400 + 60).await;
    let id = charge["balance_transaction"]["id"].as_str().unwrap();
    let settled = sandbox.get(&format!("/v1/balance_transactions/{id}")).await;
    assert_eq!(settled.body["status"], "available");
}

#[tokio::test]
async fn risk_follows_some_cards() {
    let mut hooks = Receiver::start().await;
    let sandbox = Sandbox::start().await;
    let endpoint = hooks.endpoint();
    let body = json!({"url": endpoint.url, "secret": endpoint.secret});
    sandbox.control("/_sim/endpoints", body).await;
    let reviewed = sandbox.authorised("a", "pm_card_riskLevelElevated").await;
    let review = hooks.next_of("review.opened").await;
    assert_eq!(
        review.body["data"]["object"]["payment_intent"],
        reviewed.body["id"]
    );
    sandbox.captured("b", "pm_card_createDispute").await;
    sandbox.advance(5).await;
    let dispute = hooks.next_of("charge.dispute.created").await;
    assert_eq!(dispute.body["data"]["object"]["reason"], "fraudulent");
    sandbox
        .captured("c", "pm_card_createIssuerFraudRecord")
        .await;
    sandbox.advance(5).await;
    hooks.next_of("radar.early_fraud_warning.created").await;
}

#[tokio::test]
async fn lists_are_newest_first_and_paged() {
    let sandbox = Sandbox::start().await;
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(sandbox.captured(key, "pm_card_visa").await.id());
    }
    let first = sandbox.get("/v1/payment_intents?limit=2").await.body;
    assert_eq!(first["has_more"], true);
    assert_eq!(first["data"][0]["id"], ids[2]);
    let next = format!("/v1/payment_intents?limit=2&starting_after={}", ids[1]);
    let second = sandbox.get(&next).await.body;
    assert_eq!(
        (second["data"][0]["id"].as_str(), &second["has_more"]),
        (Some(&*ids[0]), &json!(false))
    );
    let charges = sandbox.get("/v1/charges?transfer_group=order_1&expand[]=data.payment_intent");
    let charges = charges.await.body;
    assert_eq!(charges["data"].as_array().unwrap().len(), 3);
    assert_eq!(charges["data"][0]["payment_intent"]["id"], ids[2]);
    let none = sandbox.get("/v1/charges?transfer_group=order_2").await.body;
    assert_eq!(none["data"], json!([]));
}

#[tokio::test]
async fn events_are_listed_by_type_and_delivery() {
    let (sandbox, hooks) = Sandbox::with_receiver().await;
    hooks.answer([http::StatusCode::INTERNAL_SERVER_ERROR]);
    let created = sandbox.payment("a").await.body["created"].as_i64().unwrap();
    sandbox.control("/_sim/webhooks/flush", json!({})).await;
    let open = "/v1/events?types[]=payment_intent.created&delivery_success=false";
    let found = sandbox
        .get(&format!("{open}&created[gt]={}", created - 1))
        .await
        .body;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let later = sandbox
        .get(&format!("{open}&created[gt]={created}"))
        .await
        .body;
    assert_eq!(later["data"], json!([]));
    let others = sandbox.get("/v1/events?type=charge.*").await.body;
    assert_eq!(others["data"], json!([]));
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_noted() {
    let sandbox = Sandbox::start().await;
    let base = [("amount", "2500"), ("currency", "usd")];
    let table: &[(Form, &str, &str)] = &[
        (&[("currency", "usd")], "parameter_missing", "amount"),
        (
            &[("amount", "x"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            &[("amount", "0"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            &[("amount", "49"), ("currency", "usd")],
            "amount_too_small",
            "amount",
        ),
        (
            &[("amount", "100000000"), ("currency", "usd")],
            "amount_too_large",
            "amount",
        ),
        (
            &[("amount", "2500"), ("currency", "xxx")],
            "parameter_invalid_value",
            "currency",
        ),
        (
            &[base[0], base[1], ("amuont", "1")],
            "parameter_unknown",
            "amuont",
        ),
        (
            &[base[0], base[1], ("capture_method", "never")],
            "parameter_invalid_value",
            "capture_method",
        ),
    ];
    for (form, code, param) in table {
        let reply = sandbox.post("/v1/payment_intents", "same-key", form).await;
        assert_eq!(
            (reply.status, reply.error("code"), reply.error("param")),
            (400, *code, *param)
        );
    }
    assert_eq!(sandbox.breaches().await.len(), table.len());
    let json = sandbox.request(reqwest::Method::POST, "/v1/payment_intents");
    let json = json
        .bearer_auth("sk_test_ramen_sandbox")
        .header("content-type", "application/json");
    assert_eq!(json.body("{}").send().await.unwrap().status(), 400);
    let nobody = sandbox
        .request(reqwest::Method::GET, "/v1/payment_intents")
        .send()
        .await;
    assert_eq!(nobody.unwrap().status(), 401);
    let nowhere = sandbox.get("/v1/nonesuch").await;
    assert_eq!(
        (nowhere.status, nowhere.error("type")),
        (404, "invalid_request_error")
    );
    let missing = sandbox.get("/v1/payment_intents/pi_none").await;
    assert_eq!(
        (missing.status, missing.error("code")),
        (404, "resource_missing")
    );
}

#[tokio::test]
async fn a_second_payment_for_one_attempt_is_a_breach() {
    let sandbox = Sandbox::start().await;
    let form = [
        ("amount", "2500"),
        ("currency", "usd"),
        ("metadata[order_id]", "o"),
        ("metadata[attempt]", "1"),
    ];
    sandbox.post("/v1/payment_intents", "a", &form).await;
    sandbox.post("/v1/payment_intents", "a", &form).await;
    assert!(
        sandbox.breaches().await.is_empty(),
        "the same key is the right way to repeat"
    );
    sandbox.post("/v1/payment_intents", "b", &form).await;
    assert_eq!(sandbox.breaches().await, ["duplicate_effect"]);
}

#[tokio::test]
async fn one_seed_gives_the_same_ids() {
    let (one, other) = (Sandbox::start().await, Sandbox::start().await);
    assert_eq!(one.payment("a").await.id(), other.payment("a").await.id());
}
