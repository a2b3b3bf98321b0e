//! How often a network may ask for tokens: less often than for anything else, whoever it says to be.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;

use super::edge::Edge;
use super::problem::ApiError;
use super::security;

/// Asked for by the routes that give out tokens, before they read the body. Asking is the check.
#[derive(Clone, Copy, Debug)]
pub struct SignInRate;

impl<S: Sync> FromRequestParts<S> for SignInRate {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let edge = Edge::of(&parts.extensions)?;
        let network = edge.network(&parts.headers, &parts.extensions);
        let standing = edge.sign_ins.take(network, edge.clock.monotonic());
        if standing.allowed {
            return Ok(Self);
        }
        security::refused("sign_in_rate");
        let mut told = HeaderMap::new();
        edge.sign_ins.tell(&standing, &mut told);
        let error = ApiError::quota_exceeded(edge.sign_ins.policy(), standing.retry_after);
        Err(told.iter().fold(error, |error, (name, value)| {
            error.with_header(name.clone(), value.clone())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::edge::tests::{edge, http_settings};
    use crate::http::policy::Role;
    use crate::http::token::tests::principal;
    use crate::limits;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http::Request;
    use std::sync::Arc;
    use std::time::Duration;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_network_that_asks_for_tokens_too_often_waits_whoever_it_is() {
        let (edge, hand, _) = edge();
        let ask = async |number: u128| {
            let routes = Router::new().route("/refresh", post(|_: SignInRate| async {}));
            // Each time another person, so that the usual limit stays out of the way.
            let person = crate::http::Principal {
                id: domain::kernel::ids::PrincipalId::new(uuid::Uuid::from_u128(number)),
                ..principal(Role::Customer)
            };
            let request = Request::post("/refresh")
                .header("host", "x")
                .header(
                    "authorization",
                    format!("Bearer {}", edge.tokens.issue(&person)),
                )
                .body(Body::empty())
                .unwrap();
            Arc::clone(&edge)
                .wrap(routes)
                .oneshot(request)
                .await
                .unwrap()
        };
        assert!(http_settings().rate_quota < limits::SIGN_IN_QUOTA);
        for number in 0..limits::SIGN_IN_QUOTA {
            assert_eq!(ask(number.into()).await.status().as_u16(), 200);
        }
        let refused = ask(999).await;
        assert_eq!(refused.status().as_u16(), 429);
        let told: Vec<_> = refused
            .headers()
            .get_all("ratelimit-policy")
            .iter()
            .collect();
        assert_eq!(told, ["\"sign-in\";q=300;w=60", "\"burst\";q=5;w=60"]);
        hand.advance(Duration::from_secs(1));
        assert_eq!(ask(1_000).await.status().as_u16(), 200);
    }
}
