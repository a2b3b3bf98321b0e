//! An app behind its edge, on a database of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use domain::kernel::ids::{PrincipalId, RestaurantId};
use http::Request;
use http_body_util::BodyExt as _;
use infra::applied::AppliedHub;
use infra::clock::TestClock;
use infra::config::{self, NamedKey, Secret};
use infra::http::Edge;
use infra::http::logins::{Logins, PgLogins, Who};
use infra::http::policy::Role;
use infra::http::token::Tokens;
use infra::postgres;
use infra::testing::TestDatabase;
use infra::vault::Vault;
use query_api::{App, Follower, IndexFollower, Parts};
use serde_json::Value;
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

pub(crate) const CUSTOMER: Uuid = Uuid::from_u128(0xC1);
pub(crate) const STRANGER: Uuid = Uuid::from_u128(0xC2);
pub(crate) const OWNER: Uuid = Uuid::from_u128(0x01);
pub(crate) const DRIVER: Uuid = Uuid::from_u128(0xD1);
pub(crate) const OPS: Uuid = Uuid::from_u128(0x09);
pub(crate) const SHOP: Uuid = Uuid::from_u128(0x5A);

/// An app, its surroundings, and tokens for everybody.
pub(crate) struct World {
    /// Dropped with the world.
    _database: TestDatabase,
    /// With the owner's rights: plants rows.
    pub(crate) owner: PgPool,
    pub(crate) hub: AppliedHub,
    pub(crate) clock: TestClock,
    pub(crate) vault: Vault,
    pub(crate) follower: Follower,
    pub(crate) index_follower: IndexFollower,
    pub(crate) folder: tempfile::TempDir,
    router: Router,
    tokens: Tokens,
    logins: PgLogins,
}

fn keys() -> Vec<NamedKey> {
    vec![NamedKey {
        id: "test".to_owned(),
        key: Secret::new([7; 32]),
    }]
}

fn token_settings() -> config::Tokens {
    config::Tokens {
        keys: keys(),
        issuer: "https://ramen.invalid".to_owned(),
        audience: "ramen".to_owned(),
    }
}

fn http_settings() -> config::Http {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    config::Http {
        listen: any,
        health_listen: any,
        sandbox_listen: any,
        sandbox_webhooks: None,
        trusted_hops: 0,
        cors_origins: Vec::new(),
        rate_quota: 10_000,
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = TestClock::at("2026-11-22T12:00:00Z".parse().unwrap(), 1);
        let vault_settings = config::Vault { keys: keys() };
        let vault_pool = database.pool(postgres::Role::Vault);
        let vault = Vault::new(vault_pool, &vault_settings, clock.clock()).unwrap();
        let hub = AppliedHub::new();
        let folder = tempfile::tempdir().unwrap();
        let app = App::new(
            Parts {
                pool: database.pool(postgres::Role::Query),
                clock: clock.clock(),
                vault: vault.clone(),
                hub: hub.clone(),
            },
            folder.path(),
        );
        let logins = PgLogins::new(database.pool(postgres::Role::App));
        let edge = Edge::new(
            &http_settings(),
            Tokens::new(&token_settings(), clock.clock()).unwrap(),
            Logins::new(Arc::new(logins.clone()), clock.clock()),
            clock.clock(),
        );
        Self {
            follower: Follower::new(app.clone(), hub.subscribe()),
            index_follower: IndexFollower::new(app.clone(), hub.subscribe()),
            router: Arc::new(edge).wrap(query_api::router(app)),
            owner: database.owner(),
            tokens: Tokens::new(&token_settings(), clock.clock()).unwrap(),
            _database: database,
            hub,
            clock,
            vault,
            folder,
            logins,
        }
    }

    /// A token for somebody; an owner is one of [`SHOP`].
    pub(crate) async fn token(&self, id: Uuid, role: Role) -> String {
        let shops: &[RestaurantId] = if role == Role::Owner {
            &[RestaurantId::new(SHOP)]
        } else {
            &[]
        };
        let life = Duration::from_hours(1);
        let principal = self
            .logins
            .open(
                &self.clock.clock(),
                &Who::new(PrincipalId::new(id), role, shops),
                life,
            )
            .await
            .unwrap();
        self.tokens.issue(&principal)
    }

    /// The answer to a GET.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.stream(path, headers).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            parts,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// The answer to a GET by somebody.
    pub(crate) async fn get_as(&self, path: &str, token: &str) -> Answer {
        self.get(path, &[("authorization", &format!("Bearer {token}"))])
            .await
    }

    /// The answer with its body unread.
    pub(crate) async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::get(path).header("host", "x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// The body that a router without an edge answers a GET with.
pub(crate) async fn body_of(router: &Router, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// An answer that was read.
pub(crate) struct Answer {
    parts: http::response::Parts,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.parts
            .headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a 200.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status(), 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}
