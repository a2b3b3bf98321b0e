//! A server in a process of its own that is asked for pages over connections that stay open. What is
//! counted is the server's processor time; whoever asks costs the same in every arm.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use infra::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::bench::arm::{Arm, Work, closed_loop};
use crate::rig::{Member, Tool};

/// Connections that ask at once.
const CONNECTIONS: usize = 8;
/// What a head ends with.
const END: &[u8] = b"\r\n\r\n";

/// The process that is asked, which ends with this.
pub(in crate::bench) enum Process {
    /// One of ours.
    Service(Box<Member>),
    /// Anything else that this executable can be.
    Tool(Box<Tool>),
}

impl Process {
    fn pid(&self) -> Option<u32> {
        match self {
            Self::Service(member) => member.pid(),
            Self::Tool(tool) => tool.pid(),
        }
    }
}

/// A request as it goes over the wire, and what must come back.
#[derive(Clone)]
pub(in crate::bench) struct Page {
    request: Vec<u8>,
    status: u16,
    body: Vec<u8>,
}

impl Page {
    /// A request for `path`, with the tag that is known already, and the body that is expected: none when it
    /// is unchanged.
    pub(in crate::bench) fn new(path: &str, known: Option<&str>, body: Vec<u8>) -> Self {
        let condition = known.map_or_else(String::new, |tag| format!("if-none-match: {tag}\r\n"));
        Self {
            request: format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{condition}\r\n").into_bytes(),
            status: if known.is_some() { 304 } else { 200 },
            body,
        }
    }
}

/// An answer as it was fetched.
pub(in crate::bench) struct Fetched {
    /// All of it, head and body.
    pub(in crate::bench) whole: Vec<u8>,
    /// Its tag.
    pub(in crate::bench) tag: Option<String>,
    /// Its body.
    pub(in crate::bench) body: Vec<u8>,
}

/// Fetches a page, once.
///
/// # Errors
/// When it cannot be reached or says anything but what is due.
pub(in crate::bench) async fn fetch(
    origin: &str,
    path: &str,
    known: Option<&str>,
) -> anyhow::Result<Fetched> {
    let page = Page::new(path, known, Vec::new());
    let mut connection = Connection::open(origin, 0).await?;
    let (status, body) = connection.ask(&page.request).await?;
    ensure!(status == page.status, "{path} answered {status}");
    let body = body.to_vec();
    let head = &connection.buffer[..connection.buffer.len() - body.len()];
    let head = std::str::from_utf8(head).context("a head that is no text")?;
    let tag = header(head, "etag").map(str::to_owned);
    Ok(Fetched {
        tag,
        body,
        whole: connection.buffer,
    })
}

/// The arm.
pub(in crate::bench) struct Served {
    name: &'static str,
    process: Process,
    origin: String,
    pages: Vec<Page>,
    connections: Vec<Mutex<Connection>>,
    clock: Clock,
}

/// An open connection and which page it asks for next.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    next: usize,
}

impl Served {
    /// Asks `origin`, which `process` serves, for `pages` in turn.
    pub(in crate::bench) fn new(
        name: &'static str,
        (process, origin): (Process, String),
        pages: Vec<Page>,
        clock: &Clock,
    ) -> Self {
        Self {
            name,
            process,
            origin,
            pages,
            connections: Vec::new(),
            clock: clock.clone(),
        }
    }

    async fn ask(&self, worker: usize) -> anyhow::Result<u64> {
        let mut connection = self.connections[worker].lock().await;
        let page = &self.pages[connection.next % self.pages.len()];
        connection.next += 1;
        let (status, body) = connection.ask(&page.request).await?;
        ensure!(
            status == page.status && body == page.body,
            "{} answered {status} with {} bytes where {} with {} were due",
            self.name,
            body.len(),
            page.status,
            page.body.len()
        );
        Ok(1)
    }
}

#[async_trait]
impl Arm for Served {
    fn name(&self) -> &'static str {
        self.name
    }

    /// Connects: what was idle while others had their turn, the server has closed.
    async fn ready(&mut self) -> anyhow::Result<()> {
        self.connections.clear();
        for number in 0..CONNECTIONS {
            let connection = Connection::open(&self.origin, number).await?;
            self.connections.push(Mutex::new(connection));
        }
        Ok(())
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        let clock = self.clock.clone();
        closed_loop(self.connections.len(), span, &clock, |worker| {
            self.ask(worker)
        })
        .await
    }

    /// Every answer was held against what is due as it came.
    async fn verify(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn server(&self) -> Option<u32> {
        self.process.pid()
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        drop(self.connections);
        match self.process {
            Process::Service(mut member) => member.stop().await,
            // It has no orderly end: it is killed with its handle.
            Process::Tool(_) => Ok(()),
        }
    }
}

impl Connection {
    async fn open(origin: &str, next: usize) -> anyhow::Result<Self> {
        let address = origin.strip_prefix("http://").context("not over HTTP")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            next,
        })
    }

    /// Sends a request and reads the whole answer: its status and its body.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            let more = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(more > 0, "the server hung up");
            let Some(answer) = Answered::of(&self.buffer)? else {
                continue;
            };
            let end = answer.head + answer.body;
            if self.buffer.len() >= end {
                return Ok((answer.status, &self.buffer[answer.head..end]));
            }
        }
    }
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Answered {
    status: u16,
    /// Bytes of the head.
    head: usize,
    /// Bytes of the body.
    body: usize,
}

impl Answered {
    /// The head at the start of `bytes`, once it is whole.
    fn of(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = bytes.windows(END.len()).position(|part| part == END) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
        let status = text.split(' ').nth(1);
        let status: u16 = status.context("a head without a status")?.parse()?;
        let body = match header(text, "content-length") {
            _ if status == 304 => 0,
            Some(length) => length.parse()?,
            None => anyhow::bail!("an answer without a length"),
        };
        Ok(Some(Self {
            status,
            head: end + END.len(),
            body,
        }))
    }
}

/// The value of a header.
fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_answer_is() {
        assert_eq!(Answered::of(b"HTTP/1.1 200 OK\r\n").unwrap(), None);
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
        let answered = Answered {
            status: 200,
            head: whole.len() - 4,
            body: 4,
        };
        assert_eq!(Answered::of(whole).unwrap(), Some(answered));
        let unchanged = b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n";
        assert_eq!(Answered::of(unchanged).unwrap().unwrap().body, 0);
        assert!(Answered::of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(
            header("HTTP/1.1 200 OK\r\nETag: \"7\"", "etag"),
            Some("\"7\"")
        );
    }
}
