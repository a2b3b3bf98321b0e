//! A running sandbox, a client that speaks Stripe's protocol, and a receiver of webhooks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Method, RequestBuilder, Response};
use sandbox::{Config, WebhookEndpoint, WebhookHabits};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const SECRET: &str = "whsec_test_secret";

/// A sandbox on a free port, stopped when dropped.
pub(crate) struct Sandbox {
    pub(crate) base: String,
    pub(crate) client: Client,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: JoinSet<anyhow::Result<()>>,
    config: Config,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn error(&self, field: &str) -> &str {
        self.body["error"][field].as_str().unwrap_or_default()
    }
}

impl Sandbox {
    /// A sandbox whose webhooks leave at once.
    pub(crate) async fn start() -> Self {
        Self::with(Config {
            webhooks: WebhookHabits::prompt(),
            ..Config::default()
        })
        .await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(sandbox::run(config.clone(), listener, stop.clone()));
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            base,
            client,
            stop,
            tasks,
            config,
        }
    }

    /// A sandbox that sends to a receiver.
    pub(crate) async fn with_receiver() -> (Self, Receiver) {
        let receiver = Receiver::start().await;
        let config = Config {
            webhooks: WebhookHabits::prompt(),
            webhook_endpoints: vec![receiver.endpoint()],
            ..Config::default()
        };
        (Self::with(config).await, receiver)
    }

    /// Stops it and waits until all is written.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let key = &self.config.secret_key;
        read(
            self.request(Method::GET, path)
                .bearer_auth(key)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// A POST with the secret key and an idempotency key.
    pub(crate) async fn post(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Reply {
        read(self.posting(path, key, form).send().await.unwrap()).await
    }

    pub(crate) fn posting(&self, path: &str, key: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::POST, path)
            .bearer_auth(&self.config.secret_key)
            .header("idempotency-key", key)
            .form(form)
    }

    /// A POST as Stripe.js makes it.
    pub(crate) async fn browser_post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let mut form = form.to_vec();
        form.push(("key", &self.config.publishable_key));
        read(
            self.request(Method::POST, path)
                .form(&form)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn browser_get(&self, path: &str) -> Reply {
        let key = &self.config.publishable_key;
        read(
            self.request(Method::GET, path)
                .bearer_auth(key)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn sim(&self, path: &str) -> Value {
        read(self.request(Method::GET, path).send().await.unwrap())
            .await
            .body
    }

    /// A POST to the control surface that must succeed.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let sent = self
            .request(Method::POST, path)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let reply = read(sent).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.body
    }

    pub(crate) async fn fault(&self, rule: Value) {
        self.control("/_sim/faults", rule).await;
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.control("/_sim/clock", json!({ "advance": seconds }))
            .await;
    }

    /// The sort of every breach so far.
    pub(crate) async fn breaches(&self) -> Vec<String> {
        let found = self.sim("/_sim/breaches").await;
        let all = found["breaches"].as_array().unwrap().iter();
        all.map(|breach| breach["class"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A manual-capture payment of 25.00 USD.
    pub(crate) async fn payment(&self, key: &str) -> Reply {
        let form = [
            ("amount", "2500"),
            ("currency", "usd"),
            ("capture_method", "manual"),
            ("automatic_payment_methods[enabled]", "true"),
            ("transfer_group", "order_1"),
            ("metadata[order_id]", key),
            ("metadata[attempt]", "1"),
        ];
        let reply = self.post("/v1/payment_intents", key, &form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    /// A payment authorised by the browser with a test card.
    pub(crate) async fn authorised(&self, key: &str, card: &str) -> Reply {
        let payment = self.payment(key).await;
        self.confirm(&payment, card).await
    }

    /// Confirms as Stripe.js does.
    pub(crate) async fn confirm(&self, payment: &Reply, card: &str) -> Reply {
        let secret = payment.body["client_secret"].as_str().unwrap();
        let form = [("client_secret", secret), ("payment_method", card)];
        self.browser_post(
            &format!("/v1/payment_intents/{}/confirm", payment.id()),
            &form,
        )
        .await
    }

    /// A payment that has been captured whole.
    pub(crate) async fn captured(&self, key: &str, card: &str) -> Reply {
        let authorised = self.authorised(key, card).await;
        let path = format!("/v1/payment_intents/{}/capture", authorised.id());
        let reply = self.post(&path, &format!("{key}-capture"), &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn read(response: Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply {
        status,
        headers,
        body,
    }
}

/// A webhook as it arrived.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) signature: String,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

impl Hook {
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// The signed time in Unix seconds.
    pub(crate) fn signed_at(&self) -> i64 {
        self.signature
            .split(',')
            .next()
            .unwrap()
            .trim_start_matches("t=")
            .parse()
            .unwrap()
    }

    /// How many `v1` signatures this secret verifies.
    pub(crate) fn verified_by(&self, secret: &str) -> usize {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let mut message = format!("{}.", self.signed_at()).into_bytes();
        message.extend_from_slice(&self.raw);
        let parts = self
            .signature
            .split(',')
            .filter_map(|part| part.strip_prefix("v1="));
        parts
            .filter(|part| {
                let tag = hex::decode(part).unwrap();
                aws_lc_rs::hmac::verify(&key, &message, &tag).is_ok()
            })
            .count()
    }
}

/// A server that receives webhooks and answers as told, 200 by default.
pub(crate) struct Receiver {
    url: String,
    hooks: mpsc::UnboundedReceiver<Hook>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    _server: JoinSet<()>,
}

#[derive(Clone)]
struct Desk {
    hooks: mpsc::UnboundedSender<Hook>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let (sender, hooks) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let desk = Desk {
            hooks: sender,
            answers: answers.clone(),
        };
        let router = Router::new()
            .route("/hooks", post(receive))
            .with_state(desk);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            hooks,
            answers,
            _server: server,
        }
    }

    pub(crate) fn endpoint(&self) -> WebhookEndpoint {
        WebhookEndpoint {
            url: self.url.clone(),
            secret: SECRET.to_owned(),
        }
    }

    /// Answers the next webhooks with these.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = StatusCode>) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) async fn next(&mut self) -> Hook {
        self.hooks.recv().await.unwrap()
    }

    /// The next `count` webhooks' types, sorted, since they travel at the same time.
    pub(crate) async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.next().await.kind().to_owned());
        }
        kinds.sort();
        kinds
    }

    /// The next webhook of this type; others are dropped.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Hook {
        loop {
            let hook = self.next().await;
            if hook.kind() == kind {
                return hook;
            }
        }
    }

    /// A webhook that has already arrived, if there is one.
    pub(crate) fn waiting(&mut self) -> Option<Hook> {
        self.hooks.try_recv().ok()
    }
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let body = serde_json::from_slice(&raw).unwrap();
    desk.hooks
        .send(Hook {
            signature,
            raw,
            body,
        })
        .unwrap();
    desk.answers
        .lock()
        .unwrap()
        .pop_front()
        .unwrap_or(StatusCode::OK)
}
