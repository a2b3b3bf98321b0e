//! The challenge page to which a customer is sent: pass or fail, and back to the shop.

use axum::body::Bytes;
use http::{Method, StatusCode};

use super::{Stripe, acts};
use crate::call::{Answer, Call};
use crate::form;

/// `GET` and `POST /_sim/pages/challenge/{payment}`.
pub(crate) fn answer(stripe: &Stripe, call: &Call, segments: &[&str]) -> Option<Answer> {
    let ["challenge", id] = segments else {
        return None;
    };
    let intent = stripe.read(|state| state.intents.get(id).cloned())?;
    let amount = format!("{} {} in minor units", intent.amount, intent.currency);
    if call.method == Method::GET {
        return Some(Answer::html(StatusCode::OK, form_page(&amount)));
    }
    let sent = String::from_utf8_lossy(&call.body);
    let passed = form::first(&sent, "outcome").as_deref() == Some("pass");
    if let Err(why) = acts::complete_challenge(stripe, id, passed) {
        return Some(Answer::html(StatusCode::CONFLICT, text_page(&why)));
    }
    let back = intent
        .next_action
        .as_ref()
        .and_then(|action| action.return_url.clone());
    let Some(back) = back else {
        return Some(Answer::html(
            StatusCode::OK,
            text_page("You may close this page."),
        ));
    };
    let joint = if back.contains('?') { '&' } else { '?' };
    let status = if passed { "succeeded" } else { "failed" };
    let location = format!(
        "{back}{joint}payment_intent={}&payment_intent_client_secret={}&redirect_status={status}",
        intent.id, intent.client_secret
    );
    let answer = Answer::new(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    Some(answer.with("location", &location))
}

fn form_page(amount: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Bank check (sandbox)</title>\
         <h1>Is this payment yours?</h1><p>{amount}</p><form method=\"post\">\
         <button name=\"outcome\" value=\"pass\">Complete</button> \
         <button name=\"outcome\" value=\"fail\">Fail</button></form></html>"
    )
}

fn text_page(text: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Bank check (sandbox)</title><p>{text}</p></html>"
    )
}
