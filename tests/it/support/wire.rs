//! A wire to Postgres that counts the statements which pass it: what a budget in round trips is held
//! against.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use infra::lifecycle::Tasks;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections to the server until the process stops.
pub(crate) struct Wire {
    options: PgConnectOptions,
    statements: Arc<AtomicU64>,
}

impl Wire {
    /// A wire to where `options` lead.
    pub(crate) async fn to(options: &PgConnectOptions, tasks: &Tasks) -> Self {
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let statements = Arc::new(AtomicU64::new(0));
        let (counter, mine) = (Arc::clone(&statements), tasks.clone());
        drop(tasks.detached(async move {
            loop {
                let client = tokio::select! {
                    () = mine.stop().soft_owned() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let server = TcpStream::connect(&server).await.unwrap();
                let (stop, counter) = (mine.stop(), Arc::clone(&counter));
                drop(mine.detached(async move {
                    tokio::select! {
                        () = stop.soft_owned() => {}
                        _ended = forward(client, server, &counter) => {}
                    }
                }));
            }
        }));
        // What is encrypted cannot be counted.
        let options = options
            .clone()
            .host("127.0.0.1")
            .port(port)
            .ssl_mode(PgSslMode::Disable);
        Self {
            options,
            statements,
        }
    }

    /// How to connect over it.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Statements so far.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::SeqCst)
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    statements: &AtomicU64,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        let (mut messages, mut bytes) = (Messages::default(), vec![0; 16 * 1024]);
        loop {
            let read = from_client.read(&mut bytes).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            statements.fetch_add(messages.statements(&bytes[..read]), Ordering::SeqCst);
            to_server.write_all(&bytes[..read]).await?;
        }
    };
    tokio::select! {
        ended = asking => ended,
        ended = tokio::io::copy(&mut from_server, &mut to_client) => ended.map(drop),
    }
}

/// Tells the messages of a client apart (chapter "Message Formats" of the server's manual): a length
/// that counts itself, and before it, in all but the first, a byte that says which.
#[derive(Default)]
struct Messages {
    begun: bool,
    role_taken: bool,
    head: Vec<u8>,
    skip: usize,
}

impl Messages {
    /// How many statements are executed by what begins in `bytes`: `Execute` and `Query`. The first
    /// `Query` of a connection takes its role and belongs to opening it: a pool may open one at any
    /// time.
    fn statements(&mut self, bytes: &[u8]) -> u64 {
        let mut statements = 0;
        for byte in bytes {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.head.push(*byte);
            let kind_size = usize::from(self.begun);
            if self.head.len() < kind_size + 4 {
                continue;
            }
            let (kind, length) = self.head.split_at(kind_size);
            let takes_role = kind == [b'Q'] && !self.role_taken;
            self.role_taken |= takes_role;
            statements += u64::from(matches!(kind, [b'E' | b'Q']) && !takes_role);
            let length = u32::from_be_bytes(length.try_into().unwrap());
            self.skip = usize::try_from(length).unwrap() - 4;
            self.head.clear();
            self.begun = true;
        }
        statements
    }
}

#[test]
fn statements_are_told_from_other_messages() {
    let startup = [0, 0, 0, 8, 0, 3, 0, 0];
    let bind = [b'B', 0, 0, 0, 5, b'E'];
    let execute = [b'E', 0, 0, 0, 4];
    let query = [b'Q', 0, 0, 0, 6, b';', 0];
    let all = [&startup[..], &query, &bind, &execute, &query].concat();
    assert_eq!(Messages::default().statements(&all), 2);
    let mut one_by_one = Messages::default();
    let counted: u64 = all.chunks(1).map(|byte| one_by_one.statements(byte)).sum();
    assert_eq!(counted, 2);
}
