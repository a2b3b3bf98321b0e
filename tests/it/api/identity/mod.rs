//! Logins: how they go on, how they end, who sees them.

mod list_sessions;
mod log_out;
mod refresh_login;
mod secrecy;

use infra::http::logins::{RefreshToken, SignedIn, Who};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Answer, Role, Session, TestApp};

/// A client that keeps its tokens as a telephone would.
struct Client<'a> {
    app: &'a TestApp,
    session: Session,
    refresh: String,
}

impl<'a> Client<'a> {
    /// Signs in as every way of signing in does.
    async fn signed_in(app: &'a TestApp, role: Role, number: u128) -> Self {
        let id = Uuid::from_u128(number);
        let who = Who::new(id.into(), role, &[]);
        let signed_in = app.logins.sign_in(&app.clock.clock(), &who).await.unwrap();
        let SignedIn {
            principal, refresh, ..
        } = signed_in;
        let token = app.tokens.issue(&principal);
        Self {
            app,
            session: Session { id, token },
            refresh: refresh.expose(),
        }
    }

    /// Exchanges the token and keeps what comes.
    async fn refresh(&mut self) -> Answer {
        let answer = refresh(self.app, &self.refresh).await;
        if answer.status == 200 {
            let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
            self.session.token = text("access_token");
            self.refresh = text("refresh_token");
        }
        answer
    }

    /// Asks for something that only somebody who is signed in may.
    async fn sessions(&self) -> Answer {
        self.app.get(&self.session, "/v1/me/sessions").await
    }
}

/// `POST` without a token of access.
async fn post(app: &TestApp, path: &str, refresh: &str) -> Answer {
    let body = json!({ "refresh_token": refresh });
    app.send(None, Method::POST, path, &[], Some(&body)).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    post(app, "/v1/auth/refresh", token).await
}

/// A token of the right form that nobody was given.
fn foreign() -> String {
    let text = "A".repeat(43);
    RefreshToken::parse(&text).unwrap().expose()
}
