//! The read side: queries, search and live orders. It reads `views.*` and the search index, and nothing
//! else (logins are the edge's); what it keeps in memory it drops when the projector says that it has changed.
//!
//! Reading order: `http` (the routes, one file each), `scope` (who sees what), `fresh` (reading what one
//! has written), `cache`, `menus` and `shops` (answers kept as bytes), `search`, `live`, `follower` (the
//! loop that hears the projector).
//!
//! To add a query: a file in `http/<context>`, a `routes!` line in `http`, a row in the policy table.

mod app;
mod cache;
mod error;
mod follower;
mod fresh;
mod http;
mod language;
mod live;
mod menus;
mod reveal;
mod scope;
pub mod search;
mod shops;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use infra::applied::{AppliedHub, RemoteApplied};
use infra::clock::Clock;
use infra::http::Edge;
use infra::http::serve::{Rules, serve};
use infra::lifecycle::{Doorbell, Pace, Tasks};
use infra::vault::Vault;
use sqlx::PgPool;
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

pub use app::{App, Parts};
pub use follower::{Follower, IndexFollower, RemoteFollower};

/// Where the read side finds things, and whose words it hears.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the search index.
    pub search_directory: PathBuf,
    /// Whether the projector runs in another process.
    pub remote: bool,
    /// Proxies in front of the listener.
    pub trusted_hops: usize,
}

/// What the read side is given.
pub struct Deps {
    /// The database of the views, as the query role.
    pub pool: PgPool,
    /// The clock of the process.
    pub clock: Clock,
    /// Opens sealed values.
    pub vault: Vault,
    /// What the projector announces in this process.
    pub hub: AppliedHub,
    /// What every request passes.
    pub edge: Arc<Edge>,
    /// Where to listen.
    pub listener: TcpListener,
}

/// The `OpenAPI` document of the read side.
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<App>::new()
        .merge(http::routes())
        .into_openapi()
}

/// The routes, without an edge around them.
pub fn router(app: App) -> axum::Router {
    let (router, _document) = http::routes().split_for_parts();
    router.with_state(app)
}

/// Starts what keeps an app up to date: the follower of the hub and, when the projector runs elsewhere,
/// the listener that feeds the hub.
///
/// # Errors
/// When the database cannot be listened to.
pub async fn keep_up_to_date(
    app: &App,
    hub: &AppliedHub,
    remote: bool,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    tasks.run(
        Follower::new(app.clone(), hub.subscribe()),
        Doorbell::new(),
        Pace::default(),
    );
    tasks.run(
        IndexFollower::new(app.clone(), hub.subscribe()),
        Doorbell::new(),
        Pace::default(),
    );
    if remote {
        let listener = RemoteApplied::connect(app.pool(), hub.clone())
            .await
            .context("listening to the projector")?;
        tasks.run(
            RemoteFollower::new(listener),
            Doorbell::new(),
            Pace::default(),
        );
    }
    Ok(())
}

/// Runs the read side until the process stops.
///
/// # Errors
/// When the database cannot be listened to.
pub async fn run(settings: Settings, deps: Deps, tasks: &Tasks) -> anyhow::Result<()> {
    let app = App::new(
        Parts {
            pool: deps.pool,
            clock: deps.clock,
            vault: deps.vault,
            hub: deps.hub.clone(),
        },
        &settings.search_directory,
    );
    keep_up_to_date(&app, &deps.hub, settings.remote, tasks).await?;
    let routes = deps.edge.wrap(router(app));
    let rules = Rules::behind(settings.trusted_hops);
    tasks.service(
        "query-api",
        serve(deps.listener, routes, rules, tasks.clone()),
    );
    tasks.stop().soft().await;
    Ok(())
}
