//! Requests as a client makes them, and answers with what tests look at.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{Session, TestApp};

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream of events has no end to wait for.
        let endless = headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let text = if endless {
            String::new()
        } else {
            response.text().await.unwrap()
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            text,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The same, after making sure of its status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The problem's code, after making sure that it is one.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(self.body["status"], status);
        self.body["code"].as_str().unwrap()
    }

    /// The pointers of all faults, in order.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let faults = self.body["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        faults
            .iter()
            .map(|fault| fault["pointer"].as_str().unwrap())
            .collect()
    }
}

impl TestApp {
    pub(crate) async fn send(
        &self,
        session: Option<&Session>,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(session) = session {
            request = request.bearer_auth(&session.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// A write to a process at `base`, under a fresh key.
    pub(crate) async fn send_to(
        &self,
        base: &str,
        by: &Session,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        let key = self.clock.clock().fresh_id().to_string();
        let request = self
            .client
            .request(method, format!("{base}{path}"))
            .bearer_auth(&by.token);
        let request = request.header("idempotency-key", key).json(body);
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, session: &Session, path: &str) -> Answer {
        self.send(Some(session), Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, session: &Session, path: &str, body: Value) -> Answer {
        let key = self.clock.clock().fresh_id().to_string();
        self.send(
            Some(session),
            Method::POST,
            path,
            &[("idempotency-key", &key)],
            Some(&body),
        )
        .await
    }

    /// A whole-document write against the version that there is; creates it when there is none.
    pub(crate) async fn put(&self, session: &Session, path: &str, body: Value) -> Answer {
        let guard = ("if-none-match", "*");
        let first = self
            .send(Some(session), Method::PUT, path, &[guard], Some(&body))
            .await;
        let Some(etag) = first.header("etag").filter(|_| first.status == 412) else {
            return first;
        };
        let guard = [("if-match", etag)];
        self.send(Some(session), Method::PUT, path, &guard, Some(&body))
            .await
    }
}
