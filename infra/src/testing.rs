//! What tests of several crates share: a database of their own, made from a migrated template.
//! Nothing in here is compiled into the product.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};
use uuid::Uuid;

use crate::postgres::{self, Role};

/// Serialises the making of the template among test processes: "ramen", "tpl" in ASCII.
const TEMPLATE_LOCK: i64 = 0x7261_6d65_6e74_706c;

/// Of each pool: a test of the whole system has five, and several run at once on one server.
const POOL_CONNECTIONS: u32 = 4;
/// A connection that is not there by then does not come.
const ACQUIRE_MAX: Duration = Duration::from_secs(30);

/// A database for one test, dropped with the value.
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Makes one on the server that `DATABASE_URL` names.
    ///
    /// # Panics
    /// When there is no server: tests that need one cannot pass without it.
    pub async fn create() -> Self {
        let url = crate::config::test_database_url().expect("DATABASE_URL names the test server");
        let server = postgres::options(&url).expect("DATABASE_URL is a Postgres address");
        let mut admin = server.connect().await.expect("the test server answers");
        let template = template(&mut admin, &server).await;
        let name = format!("ramen_test_{}", fresh().simple());
        admin
            .execute(format!("CREATE DATABASE {name} TEMPLATE {template}").as_str())
            .await
            .expect("a database can be made from the template");
        admin.close().await.expect("the connection closes");
        Self { server, name }
    }

    /// How to connect to it, as the login that owns it.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// Its address, for what is configured by text.
    pub fn url(&self) -> String {
        self.options().to_url_lossy().to_string()
    }

    /// A small pool whose connections have taken `role`. It waits for a connection longer than the
    /// product does: opening one takes over a second when other tests keep the machine busy.
    pub fn pool(&self, role: Role) -> PgPool {
        let pool = postgres::pool(self.options(), role, POOL_CONNECTIONS);
        let patient = pool.options().clone().acquire_timeout(ACQUIRE_MAX);
        patient.connect_lazy_with((*pool.connect_options()).clone())
    }

    /// A small pool with the owner's rights: for planting faults.
    pub fn owner(&self) -> PgPool {
        PgPool::connect_lazy_with(self.options())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A drop cannot wait, and the test's runtime may be ending: a thread with its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.is_ok_and(|runtime| {
                runtime.block_on(async {
                    let Ok(mut admin) = server.connect().await else {
                        return false;
                    };
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    admin.execute(sql.as_str()).await.is_ok()
                })
            })
        })
        .join();
        if !dropped.unwrap_or(false) {
            tracing::warn!(database = %self.name, "a test database was left behind");
        }
    }
}

/// The template for this build's migrations, made by whoever comes first.
async fn template(admin: &mut PgConnection, server: &PgConnectOptions) -> String {
    let name = format!("ramen_template_{:016x}", postgres::migrations_fingerprint());
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *admin)
        .await
        .expect("the lock can be taken");
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut *admin)
            .await
            .expect("the catalogue can be read");
    if !exists {
        let unfinished = format!("{name}_unfinished");
        for sql in [
            format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
            format!("CREATE DATABASE {unfinished}"),
        ] {
            admin
                .execute(sql.as_str())
                .await
                .expect("a database can be made");
        }
        let pool = PgPool::connect_with(server.clone().database(&unfinished))
            .await
            .expect("the new database answers");
        postgres::migrate(&pool)
            .await
            .expect("the migrations apply");
        pool.close().await;
        // On a busy machine the server still counts sessions that have said goodbye.
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&unfinished)
            .execute(&mut *admin)
            .await
            .expect("sessions can be ended");
        let sql = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
        admin
            .execute(sql.as_str())
            .await
            .expect("the template takes its name");
    }
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *admin)
        .await
        .expect("the lock can be given back");
    name
}

/// The broker of the tests, when there is one.
pub fn kafka_brokers() -> Option<String> {
    crate::config::test_kafka_brokers()
}

fn fresh() -> Uuid {
    crate::clock::Clock::system().fresh_id()
}
