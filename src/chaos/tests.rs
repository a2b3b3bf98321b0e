//! Each fault against a server that answers with what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::fault::Way;
use super::{Fault, Proxy};

/// Longer than any test lasts: what waits for it waits for the fault to end.
const FOR_EVER: Duration = Duration::from_secs(100_000);

/// Answers with what it hears, and keeps it by connection.
struct Echo {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    bell: Arc<Notify>,
    _serving: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, bell) = (
            Arc::<Mutex<Vec<Vec<u8>>>>::default(),
            Arc::new(Notify::new()),
        );
        let mut serving = JoinSet::new();
        let (all, ring) = (Arc::clone(&heard), Arc::clone(&bell));
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(echo(socket, Arc::clone(&all), Arc::clone(&ring)));
            }
        });
        Self {
            address,
            heard,
            bell,
            _serving: serving,
        }
    }

    /// Waits until the connections have heard this, in any order.
    async fn hears(&self, expected: &[&[u8]]) {
        loop {
            let news = self.bell.notified();
            let mut heard = self.heard.lock().unwrap().clone();
            heard.sort();
            if heard == expected {
                return;
            }
            news.await;
        }
    }
}

async fn echo(mut socket: TcpStream, heard: Arc<Mutex<Vec<Vec<u8>>>>, bell: Arc<Notify>) {
    let nth = {
        let mut heard = heard.lock().unwrap();
        heard.push(Vec::new());
        heard.len() - 1
    };
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = socket.read(&mut chunk).await {
        heard.lock().unwrap()[nth].extend(&chunk[..count]);
        bell.notify_one();
        if socket.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

async fn proxied() -> (Echo, Proxy) {
    let echo = Echo::start().await;
    let proxy = Proxy::start("127.0.0.1:0".parse().unwrap(), echo.address, 7)
        .await
        .unwrap();
    (echo, proxy)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Sends, and reads as much back.
async fn exchange(client: &mut TcpStream, sent: &[u8]) {
    client.write_all(sent).await.unwrap();
    reads(client, sent).await;
}

async fn reads(client: &mut TcpStream, expected: &[u8]) {
    let mut read = vec![0; expected.len()];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(read, expected);
}

/// Whether the other side has reset the connection rather than closed it.
async fn is_reset(client: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let ended = client.read_to_end(&mut rest).await;
    ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn without_a_fault_everything_passes_and_an_end_is_an_end() {
    let (echo, proxy) = proxied().await;
    let mut client = connect(&proxy).await;
    exchange(&mut client, &vec![5; 100_000]).await;
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(echo.heard.lock().unwrap()[0].len(), 100_000);
    assert_eq!(
        proxy.passed().to_string(),
        "1 connections, 0 struck, 100000 bytes of requests, 100000 of replies"
    );
}

#[tokio::test]
async fn nobody_listens_while_connections_are_refused_and_then_the_same_port_does() {
    let (_echo, proxy) = proxied().await;
    let mut open = connect(&proxy).await;
    exchange(&mut open, b"before").await;
    proxy.set(Fault::Refuse);
    assert!(is_reset(&mut open).await);
    // The port closes a moment after what is open was struck; whoever slipped in is struck as well.
    while let Ok(mut late) = TcpStream::connect(proxy.address()).await {
        late.read_u8().await.ok();
    }
    proxy.set(Fault::None);
    let mut again = loop {
        if let Ok(client) = TcpStream::connect(proxy.address()).await {
            break client;
        }
        tokio::task::yield_now().await;
    };
    exchange(&mut again, b"after").await;
}

#[tokio::test]
async fn what_is_open_and_what_comes_is_reset() {
    let (_echo, proxy) = proxied().await;
    let mut open = connect(&proxy).await;
    exchange(&mut open, b"before").await;
    proxy.set(Fault::Reset);
    assert!(is_reset(&mut open).await);
    assert!(is_reset(&mut connect(&proxy).await).await);
    proxy.set(Fault::None);
    exchange(&mut connect(&proxy).await, b"after").await;
}

#[tokio::test]
async fn what_a_black_hole_or_a_delay_held_back_comes_when_it_ends() {
    for fault in [
        Fault::BlackHole,
        Fault::Delay {
            way: Way::Request,
            by: FOR_EVER,
        },
        Fault::Slow { rate: 1 },
    ] {
        let (echo, proxy) = proxied().await;
        let mut client = connect(&proxy).await;
        exchange(&mut client, b"before").await;
        proxy.set(fault);
        client.write_all(b" and meanwhile").await.unwrap();
        proxy.set(Fault::None);
        reads(&mut client, b" and meanwhile").await;
        echo.hears(&[b"before and meanwhile"]).await;
    }
}

#[tokio::test]
async fn a_delay_of_replies_lets_requests_pass() {
    let (echo, proxy) = proxied().await;
    let mut client = connect(&proxy).await;
    proxy.set(Fault::Delay {
        way: Way::Reply,
        by: FOR_EVER,
    });
    client.write_all(b"hello").await.unwrap();
    echo.hears(&[b"hello"]).await;
    let mut byte = [0; 1];
    assert!(client.try_read(&mut byte).is_err(), "nothing has come");
    proxy.set(Fault::None);
    reads(&mut client, b"hello").await;
}

#[tokio::test]
async fn slices_are_put_together_as_they_were() {
    let (_echo, proxy) = proxied().await;
    proxy.set(Fault::Slice { bytes: 7 });
    let sent: Vec<u8> = (0..2_000_u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    exchange(&mut connect(&proxy).await, &sent).await;
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes() {
    let (echo, proxy) = proxied().await;
    proxy.set(Fault::Cut {
        way: Way::Request,
        after: 3,
    });
    let mut client = connect(&proxy).await;
    client.write_all(b"hello").await.unwrap();
    assert!(is_reset(&mut client).await);
    echo.hears(&[b"hel"]).await;
}

#[tokio::test]
async fn a_reply_is_lost_and_its_request_is_not() {
    let (echo, proxy) = proxied().await;
    proxy.set(Fault::LoseReply);
    let mut client = connect(&proxy).await;
    client.write_all(b"pay").await.unwrap();
    assert!(is_reset(&mut client).await);
    echo.hears(&[b"pay"]).await;
}

#[tokio::test]
async fn a_side_that_is_not_told_waits_even_when_the_fault_is_over() {
    let (echo, proxy) = proxied().await;
    let mut client = connect(&proxy).await;
    exchange(&mut client, b"before").await;
    proxy.set(Fault::HalfOpen);
    // Whoever connects meanwhile is not told either, nor heard.
    let mut late = connect(&proxy).await;
    late.write_all(b"meanwhile").await.unwrap();
    while proxy.passed().to_string().contains(" 0 struck")
        || proxy.passed().to_string().contains(" 1 struck")
    {
        tokio::task::yield_now().await;
    }
    proxy.set(Fault::None);
    exchange(&mut connect(&proxy).await, b"after").await;
    for client in [&mut client, &mut late] {
        client.write_all(b"?").await.unwrap();
        let read = client.try_read(&mut [0; 1]);
        assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    echo.hears(&[b"", b"after", b"before"]).await;
}

#[tokio::test]
async fn a_request_arrives_twice_and_is_answered_once() {
    let (echo, proxy) = proxied().await;
    proxy.set(Fault::Repeat);
    let mut client = connect(&proxy).await;
    exchange(&mut client, b"pay").await;
    echo.hears(&[b"pay", b"pay"]).await;
    client.shutdown().await.unwrap();
    assert_eq!(
        client.read(&mut [0; 1]).await.unwrap(),
        0,
        "no second answer"
    );
}

#[test]
fn faults_are_read_as_they_are_written() {
    for text in [
        "none",
        "refuse",
        "reset",
        "black-hole",
        "delay:reply:300",
        "slow:1024",
        "slice:7",
        "cut:request:100",
        "lose-reply",
        "half-open",
        "repeat",
    ] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    for text in ["", "delay:300", "cut:both:1", "slow:fast", "refuse:1"] {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
}
