//! Connections to Postgres behind which nobody is any more: what waits on one is given up in time, and the
//! pool gets its place back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use infra::clock::Clock;
use infra::lifecycle::Tasks;
use infra::limits::DATABASE_DEADLINE;
use infra::postgres::{Role, in_time, pool};
use infra::testing::TestDatabase;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy before the server whose connections fall silent on request: they stay open, and nothing passes
/// them again. Those that are made later are sound.
struct Proxy {
    options: PgConnectOptions,
    silenced: Arc<watch::Sender<u32>>,
    tasks: Tasks,
}

impl Proxy {
    async fn before(options: &PgConnectOptions) -> Self {
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silenced = Arc::new(watch::Sender::new(0));
        let tasks = Tasks::new(Clock::system());
        let (signal, mine) = (Arc::clone(&silenced), tasks.clone());
        drop(tasks.detached(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(&server).await.unwrap();
                let mut silence = signal.subscribe();
                drop(mine.detached(async move {
                    let silent = tokio::select! {
                        silent = silence.changed() => silent.is_ok(),
                        _ended = tokio::io::copy_bidirectional(&mut client, &mut server) => false,
                    };
                    if silent {
                        // Both ends are held open, and nobody reads.
                        std::future::pending::<()>().await;
                    }
                }));
            }
        }));
        let options = options.clone().host("127.0.0.1").port(port);
        Self {
            options: options.ssl_mode(PgSslMode::Disable),
            silenced,
            tasks,
        }
    }

    fn silence(&self) {
        self.silenced.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.stop().hurry();
    }
}

async fn one(pool: &PgPool) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT 1").fetch_one(pool).await
}

#[tokio::test]
async fn a_pool_gets_back_the_places_of_connections_that_fell_silent() {
    const CONNECTIONS: u32 = 3;
    let database = TestDatabase::create().await;
    let proxy = Proxy::before(&database.options()).await;
    let pool = pool(proxy.options.clone(), Role::App, CONNECTIONS);
    let all = futures::future::join_all((0..CONNECTIONS).map(|_| pool.acquire())).await;
    drop(all);
    while pool.num_idle() < CONNECTIONS as usize {
        tokio::task::yield_now().await;
    }
    proxy.silence();
    // Every connection is a black hole, and whoever meets one gives up.
    let given_up = (0..CONNECTIONS).map(|_| in_time(Duration::from_millis(50), one(&pool)));
    for outcome in futures::future::join_all(given_up).await {
        assert!(matches!(outcome, Err(sqlx::Error::Io(_))), "{outcome:?}");
    }
    let began = tokio::time::Instant::now();
    let mut waited = Duration::ZERO;
    while one(&pool).await.is_err() {
        waited = began.elapsed();
        assert!(waited < DATABASE_DEADLINE * 2, "{waited:?}");
    }
    assert!(waited > Duration::ZERO, "none of them was silent");
}
