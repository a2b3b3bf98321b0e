//! Stripe's objects as JSON, whole: every field that Stripe publishes for them, in version
//! 2026-09-30.endive. A decoder may insist on any that is not nullable.

use serde_json::{Map, Value, json};

use super::API_VERSION;
use super::methods::Aftermath;
use super::model::{
    Charge, Dispute, Event, Intent, Mark, NextAction, PaymentError, PaymentMethod, Refund, Subject,
};

/// A payment, as the secret key sees it.
pub(crate) fn intent(intent: &Intent) -> Value {
    let about = &intent.about;
    let types: &[&str] = if intent.automatic_methods {
        &["card", "link"]
    } else {
        &["card"]
    };
    let automatic = intent
        .automatic_methods
        .then(|| json!({"allow_redirects": "always", "enabled": true}));
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount_received,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": automatic,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": intent.confirmation_method,
        "created": intent.created,
        "currency": intent.currency,
        "customer": about.customer,
        "customer_account": null,
        "description": about.description,
        "excluded_payment_method_types": null,
        "last_payment_error": intent.last_error.as_ref().map(payment_error),
        "latest_charge": intent.latest_charge,
        "livemode": false,
        "metadata": about.metadata,
        "next_action": intent.next_action.as_ref().map(next_action),
        "on_behalf_of": null,
        "payment_method": intent.payment_method,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {"installments": null, "mandate_options": null,
            "network": null, "request_three_d_secure": "automatic"}},
        "payment_method_types": types,
        "processing": null,
        "receipt_email": about.receipt_email,
        "review": intent.review,
        "setup_future_usage": intent.setup_future_usage,
        "shipping": about.shipping,
        "source": null,
        "statement_descriptor": about.statement_descriptor,
        "statement_descriptor_suffix": about.statement_descriptor_suffix,
        "status": intent.status.as_str(),
        "transfer_data": null,
        "transfer_group": about.transfer_group,
    })
}

/// Fields of a payment that only the secret key may see.
const SECRET_FIELDS: &[&str] = &[
    "amount_capturable",
    "amount_received",
    "application",
    "application_fee_amount",
    "customer",
    "customer_account",
    "latest_charge",
    "metadata",
    "on_behalf_of",
    "review",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// A payment, as a publishable key with its client secret sees it.
pub(crate) fn public(mut intent: Value) -> Value {
    if let Some(fields) = intent.as_object_mut() {
        for field in SECRET_FIELDS {
            fields.remove(*field);
        }
    }
    intent
}

fn next_action(action: &NextAction) -> Value {
    match &action.return_url {
        Some(return_url) => json!({"type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": action.url}}),
        None => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {
            "type": "three_d_secure_redirect", "stripe_js": action.url}}),
    }
}

/// `last_payment_error`.
pub(crate) fn payment_error(error: &PaymentError) -> Value {
    let mut shown = json!({
        "code": error.code,
        "doc_url": format!("https://stripe.com/docs/error-codes/{}", error.code.replace('_', "-")),
        "message": error.message,
        "payment_method": payment_method(&error.payment_method),
        "type": error.kind,
    });
    if let Some(charge) = &error.charge {
        shown["charge"] = json!(charge);
    }
    if let Some(code) = &error.decline_code {
        shown["decline_code"] = json!(code);
    }
    shown
}

fn billing_details() -> Value {
    json!({
        "address": {"city": null, "country": null, "line1": null, "line2": null,
                    "postal_code": null, "state": null},
        "email": null, "name": null, "phone": null, "tax_id": null,
    })
}

/// A payment method.
pub(crate) fn payment_method(method: &PaymentMethod) -> Value {
    let card = method.card;
    json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": null, "address_postal_code_check": null,
                       "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": 8,
            "exp_year": 2030,
            "fingerprint": format!("ramen{}", card.last4),
            "funding": "credit",
            "generated_from": null,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": null},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": true},
            "wallet": null,
        },
        "created": method.created,
        "customer": method.customer,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    })
}

/// A charge.
pub(crate) fn charge(charge: &Charge) -> Value {
    let about = &charge.about;
    let all_back = charge.amount_captured > 0 && charge.amount_refunded == charge.amount_captured;
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": if charge.released { charge.amount } else { charge.amount_refunded },
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": charge.balance_transaction(),
        "billing_details": billing_details(),
        "calculated_statement_descriptor": "RAMEN",
        "captured": charge.captured_at.is_some(),
        "created": charge.created,
        "currency": charge.currency,
        "customer": about.customer,
        "description": about.description,
        "destination": null,
        "dispute": charge.dispute,
        "disputed": charge.dispute.is_some(),
        "failure_balance_transaction": null,
        "failure_code": charge.failure.as_ref().map(|failure| &failure.code),
        "failure_message": charge.failure.as_ref().map(|failure| &failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": about.metadata,
        "on_behalf_of": null,
        "order": null,
        "outcome": outcome(charge),
        "paid": charge.failure.is_none(),
        "payment_intent": charge.intent,
        "payment_method": charge.method.id,
        "payment_method_details": {"card": card_details(charge), "type": "card"},
        "radar_options": {},
        "receipt_email": about.receipt_email,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": charge.released || all_back,
        "review": charge.review,
        "shipping": about.shipping,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": about.statement_descriptor,
        "statement_descriptor_suffix": about.statement_descriptor_suffix,
        "status": if charge.failure.is_some() { "failed" } else { "succeeded" },
        "transfer_data": null,
        "transfer_group": about.transfer_group,
    })
}

fn outcome(charge: &Charge) -> Value {
    let elevated = charge.method.card.aftermath == Aftermath::Review;
    let (level, score) = if elevated {
        ("elevated", 68)
    } else {
        ("normal", 17)
    };
    match &charge.failure {
        None => json!({"advice_code": null, "network_advice_code": null,
            "network_decline_code": null, "network_status": "approved_by_network",
            "reason": if elevated { Some("elevated_risk_level") } else { None },
            "risk_level": level, "risk_score": score, "seller_message": "Payment complete.",
            "type": if elevated { "manual_review" } else { "authorized" }}),
        Some(failure) if failure.blocked => json!({"advice_code": null,
            "network_advice_code": null, "network_decline_code": null,
            "network_status": "not_sent_to_network", "reason": "highest_risk_level",
            "risk_level": "highest", "risk_score": 92,
            "seller_message": "Stripe blocked this payment as too risky.", "type": "blocked"}),
        Some(failure) => json!({"advice_code": "try_again_later", "network_advice_code": null,
            "network_decline_code": "01", "network_status": "declined_by_network",
            "reason": failure.decline_code, "risk_level": level, "risk_score": score,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined"}),
    }
}

fn card_details(charge: &Charge) -> Value {
    let card = charge.method.card;
    let authenticated = charge.authenticated.then(|| {
        json!({"authentication_flow": "challenge", "electronic_commerce_indicator": "05",
               "exemption_indicator": null, "exemption_indicator_applied": null,
               "result": "authenticated", "result_reason": null,
               "transaction_id": charge.id.replacen("ch_", "3ds_", 1), "version": "2.2.0"})
    });
    let mut details = json!({
        "amount_authorized": if charge.failure.is_some() { None } else { Some(charge.amount) },
        "authorization_code": null,
        "brand": card.brand,
        "checks": {"address_line1_check": null, "address_postal_code_check": null,
                   "cvc_check": "pass"},
        "country": "US",
        "exp_month": 8,
        "exp_year": 2030,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": format!("ramen{}", card.last4),
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": false},
        "network_transaction_id": null,
        "overcapture": {"maximum_amount_capturable": charge.amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": authenticated,
        "transaction_link_id": null,
        "wallet": null,
    });
    if let Some(before) = charge.capture_before {
        details["capture_before"] = json!(before);
    }
    details
}

/// A refund.
pub(crate) fn refund(refund: &Refund) -> Value {
    let mut shown = json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.id.replacen("re_", "txn_", 1),
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "customer": null,
        "customer_account": null,
        "destination_details": {"card": {"reference_status": "pending",
            "reference_type": "acquirer_reference_number", "type": "refund"}, "type": "card"},
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "payment_method": null,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": refund.status.as_str(),
        "transfer_reversal": null,
    });
    if let Some(reason) = &refund.failure_reason {
        shown["failure_reason"] = json!(reason);
        shown["failure_balance_transaction"] = json!(refund.id.replacen("re_", "txn_f", 1));
    }
    shown
}

/// The evidence fields of a dispute, all empty.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// Days until evidence is due.
const EVIDENCE_DAYS: i64 = 9;

/// A dispute.
pub(crate) fn dispute(dispute: &Dispute) -> Value {
    let mut evidence: Map<String, Value> = EVIDENCE
        .iter()
        .map(|field| ((*field).to_owned(), Value::Null))
        .collect();
    evidence.insert("enhanced_evidence".to_owned(), json!({}));
    let inquiry = dispute.status.starts_with("warning");
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {"due_by": dispute.created + EVIDENCE_DAYS * 86_400,
            "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
            "submission_count": 0},
        "is_charge_refundable": inquiry,
        "livemode": false,
        "metadata": {},
        "payment_intent": dispute.intent,
        "payment_method_details": {"card": {"brand": "visa",
            "case_type": if inquiry { "inquiry" } else { "chargeback" }, "network": "visa",
            "network_reason_code": "10.4"}, "type": "card"},
        "reason": dispute.reason,
        "status": dispute.status,
    })
}

/// A review.
pub(crate) fn review(mark: &Mark) -> Value {
    json!({
        "id": mark.id,
        "object": "review",
        "billing_zip": null,
        "charge": mark.charge,
        "closed_reason": null,
        "created": mark.created,
        "ip_address": null,
        "ip_address_location": null,
        "livemode": false,
        "open": true,
        "opened_reason": "rule",
        "payment_intent": mark.intent,
        "reason": "rule",
        "session": null,
    })
}

/// An early fraud warning.
pub(crate) fn fraud_warning(mark: &Mark) -> Value {
    json!({
        "id": mark.id,
        "object": "radar.early_fraud_warning",
        "actionable": true,
        "charge": mark.charge,
        "created": mark.created,
        "fraud_type": "made_with_stolen_card",
        "livemode": false,
        "payment_intent": mark.intent,
    })
}

/// An event with its object as it was then.
pub(crate) fn event(event: &Event) -> Value {
    let object = match &event.subject {
        Subject::Intent(of) => intent(of),
        Subject::Charge(of) => charge(of),
        Subject::Refund(of) => refund(of),
        Subject::Dispute(of) => dispute(of),
        Subject::Review(of) => review(of),
        Subject::FraudWarning(of) => fraud_warning(of),
    };
    let mut data = json!({ "object": object });
    if let Some(previous) = &event.previous {
        data["previous_attributes"] = previous.clone();
    }
    let request = event.request.as_ref().map_or_else(
        || json!({"id": null, "idempotency_key": null}),
        |cause| json!({"id": cause.request_id, "idempotency_key": cause.idempotency_key}),
    );
    json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": event.pending_webhooks,
        "request": request,
        "type": event.kind,
    })
}

/// A page of a list.
pub(crate) fn list(url: &str, data: &[Value], has_more: bool) -> Value {
    json!({"object": "list", "data": data, "has_more": has_more, "url": url})
}
