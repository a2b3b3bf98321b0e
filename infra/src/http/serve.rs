//! The loop that accepts connections: our own, because axum's has no header timeout and no limit on
//! connections (tokio-rs/axum#2741). Speaks HTTP/1.1; TLS and HTTP/2 end at the proxy in front.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

use super::peer::{Peer, network_of};
use super::stall::Stalling;
use super::unread::Unread;
use crate::lifecycle::{Stop, Tasks};
use crate::limits;

/// The bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Open connections.
    pub connections_max: usize,
    /// Open connections from one network. Behind trusted proxies, the same as `connections_max`.
    pub connections_per_network_max: usize,
    /// For sending the headers, also of the next request on a connection.
    pub header_timeout: Duration,
    /// For taking a part of the answer.
    pub stall: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_network_max: limits::CONNECTIONS_PER_IP_MAX,
            header_timeout: limits::HEADER_TIMEOUT,
            stall: limits::CONNECTION_STALL,
        }
    }
}

impl Rules {
    /// The usual bounds behind `hops` proxies, which bring everybody from a few addresses.
    pub fn behind(hops: usize) -> Self {
        let rules = Self::default();
        let per_network = if hops == 0 {
            rules.connections_per_network_max
        } else {
            rules.connections_max
        };
        Self {
            connections_per_network_max: per_network,
            ..rules
        }
    }
}

/// Serves `routes` on `listener` until the soft stop; then lets open requests finish.
///
/// # Errors
/// Never by itself: a failing `accept` is tried again. The type is what `Tasks::service` takes.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    rules: Rules,
    tasks: Tasks,
) -> Result<(), std::convert::Infallible> {
    let stop = tasks.stop();
    let crowd = Crowd::new(rules);
    loop {
        let accepted = tokio::select! {
            () = stop.soft() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or a client that left while waiting.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(limits::ACCEPT_RETRY).await;
                continue;
            }
        };
        let Some(place) = crowd.enter(address.ip()) else {
            metrics::counter!("ramen_http_connections_refused_total").increment(1);
            continue;
        };
        let (routes, stop) = (routes.clone(), stop.clone());
        let stream = Unread::new(Stalling::new(quick(stream), rules.stall), tasks.clock());
        tasks.detached(async move {
            connection(stream, Peer(address), routes, rules, stop).await;
            drop(place);
        });
    }
}

/// Answers are written whole; waiting for more would only delay them.
fn quick(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    stream
}

async fn connection(
    stream: Unread<Stalling<TcpStream>>,
    peer: Peer,
    routes: Router,
    rules: Rules,
    stop: Stop,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(rules.header_timeout)
        .max_headers(limits::HEADERS_MAX)
        .max_header_size(limits::HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = &mut served => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = stop.hard() => return,
            () = stop.soft(), if !leaving => {
                leaving = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Who is connected.
#[derive(Clone)]
struct Crowd {
    places: Arc<Semaphore>,
    by_network: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_network_max: usize,
}

struct CrowdPlace {
    crowd: Crowd,
    network: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    fn new(rules: Rules) -> Self {
        Self {
            places: Arc::new(Semaphore::new(rules.connections_max)),
            by_network: Arc::default(),
            per_network_max: rules.connections_per_network_max,
        }
    }

    fn enter(&self, address: IpAddr) -> Option<CrowdPlace> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let network = network_of(address);
        let mut by_network = self
            .by_network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = by_network.entry(network).or_insert(0);
        if *count >= self.per_network_max {
            return None;
        }
        *count += 1;
        metrics::gauge!("ramen_http_connections").increment(1.0);
        Some(CrowdPlace {
            crowd: self.clone(),
            network,
            _permit: permit,
        })
    }
}

impl Drop for CrowdPlace {
    fn drop(&mut self) {
        let mut by_network = self
            .crowd
            .by_network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                by_network.remove(&self.network);
            }
        }
        metrics::gauge!("ramen_http_connections").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::http::edge::tests::edge;
    use crate::http::json::Json;
    use crate::http::problem::Problem;
    use axum::routing::{get, post};
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    struct Server {
        address: SocketAddr,
        tasks: Tasks,
        entered: Arc<Notify>,
        release: Arc<Notify>,
    }

    async fn start(rules: Rules) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inside, gate) = (entered.clone(), release.clone());
        let routes = Router::new()
            .route("/open", get(|| async { "open" }))
            .route(
                "/numbers",
                post(|Json(n): Json<Vec<u32>>| async move { n.len().to_string() }),
            )
            .route(
                "/held",
                get(move || {
                    let (inside, gate) = (inside.clone(), gate.clone());
                    async move {
                        inside.notify_one();
                        gate.notified().await;
                        "held"
                    }
                }),
            );
        let tasks = Tasks::new(Clock::system());
        tasks.service(
            "test server",
            serve(listener, edge().0.wrap(routes), rules, tasks.clone()),
        );
        Server {
            address,
            tasks,
            entered,
            release,
        }
    }

    /// Sends bytes and reads until the server closes.
    async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn last(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
    }

    #[tokio::test]
    async fn requests_are_answered_over_a_socket() {
        let server = start(Rules::default()).await;
        let answer = exchange(server.address, &last("/open")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("open"));
        let answer = exchange(server.address, &last("/nothing")).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("application/problem+json"));
        server.tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn ambiguous_framing_never_reaches_a_handler() {
        let server = start(Rules::default()).await;
        let head = "POST /numbers HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
        for (framing, body) in [
            ("content-length: 3\r\ncontent-length: 4\r\n", "[1] "),
            ("content-length: +3\r\n", "[1]"),
            (
                "transfer-encoding: chunked, identity\r\n",
                "3\r\n[1]\r\n0\r\n\r\n",
            ),
            ("transfer-encoding: xchunked\r\n", "[1]"),
            ("content-length : 3\r\n", "[1]"),
            ("host: y\r\ncontent-length: 3\r\n", "[1]"),
        ] {
            let answer = exchange(
                server.address,
                format!("{head}{framing}\r\n{body}").as_bytes(),
            )
            .await;
            assert!(
                !answer.starts_with("HTTP/1.1 200"),
                "{framing:?} gave {answer}"
            );
        }
        let fine = format!("{head}content-length: 3\r\n\r\n[1]");
        assert!(
            exchange(server.address, fine.as_bytes())
                .await
                .ends_with("\r\n1")
        );
        server.tasks.shut_down().await.unwrap();
    }

    /// hyper follows RFC 9112 §6.1 here: chunks count, the length is dropped, and the connection is closed,
    /// so that nothing behind the request is read as another.
    #[tokio::test]
    async fn a_length_beside_chunks_smuggles_nothing() {
        let server = start(Rules::default()).await;
        let head = "POST /numbers HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let hidden = "GET /open HTTP/1.1\r\nhost: x\r\n\r\n";
        for framing in [
            "content-length: 3\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        ] {
            let bytes = format!("{head}{framing}\r\n3\r\n[1]\r\n0\r\n\r\n{hidden}");
            let answer = exchange(server.address, bytes.as_bytes()).await;
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        }
        server.tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn slow_headers_and_idle_connections_are_closed() {
        let rules = Rules {
            header_timeout: Duration::from_millis(20),
            ..Rules::default()
        };
        let server = start(rules).await;
        exchange(server.address, b"GET /open HTT").await;
        exchange(server.address, b"").await;
        let answer = exchange(server.address, b"GET /open HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answer.ends_with("open"));
        server.tasks.shut_down().await.unwrap();
    }

    /// What hyper refuses before a service is asked has the form of every refusal.
    #[tokio::test]
    async fn a_request_that_cannot_be_read_is_refused_with_a_document() {
        let server = start(Rules::default()).await;
        let fine = "GET /open HTTP/1.1\r\nhost: x\r\n\r\n";
        let huge = format!("GET /open HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(20_000));
        for (request, status, code) in [
            (
                "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                400,
                "malformed_request",
            ),
            ("GET\r\n\r\n", 400, "malformed_request"),
            ("G@T / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
            (&huge, 431, "headers_too_large"),
            (
                &format!("{fine}GET / HTTP/9.9\r\n\r\n"),
                400,
                "malformed_request",
            ),
        ] {
            let answer = exchange(server.address, request.as_bytes()).await;
            let (before, body) = answer.rsplit_once("\r\n\r\n").unwrap();
            let problem: Problem = serde_json::from_str(body).unwrap();
            assert_eq!((problem.status, problem.code.as_str()), (status, code));
            let head = &before[before.rfind("HTTP/1.1 ").unwrap()..];
            for part in [
                format!("HTTP/1.1 {status} "),
                "\r\ncontent-type: application/problem+json\r\n".to_owned(),
                format!("\r\nx-request-id: {}\r\n", problem.instance),
            ] {
                assert!(head.contains(&part), "{part:?} is not in {head}");
            }
        }
        server.tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn huge_headers_are_refused() {
        let server = start(Rules::default()).await;
        let long = format!(
            "GET /open HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
            "b".repeat(20_000)
        );
        assert!(
            exchange(server.address, long.as_bytes())
                .await
                .starts_with("HTTP/1.1 431")
        );
        let many = format!(
            "GET /open HTTP/1.1\r\nhost: x\r\n{}\r\n",
            "a: b\r\n".repeat(100)
        );
        assert!(
            exchange(server.address, many.as_bytes())
                .await
                .starts_with("HTTP/1.1 431")
        );
        server.tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn connections_over_the_limit_are_closed_and_places_come_back() {
        let rules = Rules {
            connections_per_network_max: 1,
            ..Rules::default()
        };
        let server = start(rules).await;
        let mut first = TcpStream::connect(server.address).await.unwrap();
        first
            .write_all(b"GET /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        server.entered.notified().await;
        assert_eq!(exchange(server.address, &last("/open")).await, "");
        server.release.notify_one();
        let mut answer = String::new();
        first.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("held"));
        // The first connection's place is given back just after its last byte.
        loop {
            if exchange(server.address, &last("/open"))
                .await
                .ends_with("open")
            {
                break;
            }
        }
        server.tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn stopping_finishes_open_requests_and_takes_no_new_ones() {
        let server = start(Rules::default()).await;
        let request = last("/held");
        let stopping = async {
            server.entered.notified().await;
            let release = async {
                server.tasks.stop().soft().await;
                server.release.notify_one();
            };
            tokio::join!(server.tasks.shut_down(), release).0
        };
        let (answer, stopped) = tokio::join!(exchange(server.address, &request), stopping);
        assert!(answer.ends_with("held"));
        stopped.unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }
}
