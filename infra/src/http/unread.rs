//! Requests that cannot be read as HTTP. hyper answers them itself (400, 414, 431), before any service is
//! asked, and has no hook for the form: a bare head, `content-length: 0`. Everything of ours has a body
//! with a refusal, so on its way out such a head is told apart, and gets a problem document like any
//! other. A client that is too slow with its headers gets no answer at all: hyper closes (RFC 9110
//! §15.5.9 allows it), and there is nobody who reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::problem::{ApiError, PROBLEM_JSON};
use super::request_id::{REQUEST_ID, RequestScope};
use crate::clock::Clock;

/// In hyper's own answers, and in no refusal of ours.
const NO_BODY: &str = "\r\ncontent-length: 0\r\n";

/// A stream whose bare refusals become problem documents.
pub(super) struct Unread<S> {
    inner: S,
    clock: Clock,
    /// What is written in place of a bare refusal, and how much of it has been.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Unread<S> {
    pub(super) fn new(inner: S, clock: Clock) -> Self {
        Self {
            inner,
            clock,
            instead: None,
        }
    }
}

/// The status and the head, if these bytes are an answer of hyper's own.
fn bare(bytes: &[u8]) -> Option<(StatusCode, &str)> {
    if !bytes.starts_with(b"HTTP/1.1 4") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let status = StatusCode::from_bytes(bytes.get(9..12)?).ok()?;
    let head = std::str::from_utf8(bytes).ok()?;
    let known = matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
    (known && head.contains(NO_BODY)).then_some((status, head))
}

/// The same answer with a problem document, under an id of its own.
fn document(status: StatusCode, head: &str, clock: &Clock) -> Vec<u8> {
    let error = match status {
        StatusCode::URI_TOO_LONG => ApiError::new(status, "uri_too_long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ApiError::new(status, "headers_too_large"),
        _ => ApiError::new(status, "malformed_request")
            .with_detail("the request line or a header cannot be read"),
    };
    let scope = RequestScope::of(&HeaderMap::new(), &tracing::Span::none(), clock);
    tracing::info!(
        http.status = status.as_u16(),
        request.id = &*scope.id,
        error.code = error.code(),
        "a request could not be read"
    );
    let id = std::sync::Arc::clone(&scope.id);
    let body = serde_json::to_string(&scope.within(|| error.problem()))
        .expect("a problem has text keys only");
    let length = body.len();
    let headers = format!(
        "\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {length}\r\n{REQUEST_ID}: {id}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
    );
    [head.replacen(NO_BODY, &headers, 1), body]
        .concat()
        .into_bytes()
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            this.instead =
                bare(bytes).map(|(status, head)| (document(status, head, &this.clock), 0));
        }
        while let Some((instead, written)) = &mut this.instead {
            let left = &instead[*written..];
            if left.is_empty() {
                this.instead = None;
                return Poll::Ready(Ok(bytes.len()));
            }
            match ready!(Pin::new(&mut this.inner).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *written += count,
            }
        }
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    /// hyper's own answers come alone.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [alone] => self.poll_write(cx, alone),
            _ => Pin::new(&mut self.inner).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::http::problem::Problem;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Sun, 22 Nov 2026 04:00:00 GMT\r\n\r\n";

    async fn written(bytes: &str) -> String {
        // Narrow, so that the document goes out in pieces.
        let (near, mut far) = tokio::io::duplex(16);
        let clock = TestClock::at(chrono::DateTime::UNIX_EPOCH, 1).clock();
        let mut near = Unread::new(near, clock);
        let write = async {
            near.write_all(bytes.as_bytes()).await.unwrap();
            near.shutdown().await.unwrap();
        };
        let mut read = String::new();
        let ((), count) = tokio::join!(write, far.read_to_string(&mut read));
        count.unwrap();
        read
    }

    #[tokio::test]
    async fn a_bare_refusal_becomes_a_document() {
        let answer = written(BARE).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"));
        assert!(head.ends_with("GMT") && head.contains(PROBLEM_JSON));
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        let problem: Problem = serde_json::from_str(body).unwrap();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (400, "malformed_request")
        );
        assert!(head.contains(&format!("x-request-id: {}", problem.instance)));
    }

    #[tokio::test]
    async fn everything_else_passes_as_it_is() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.1 4",
            &BARE[1..],
        ] {
            assert_eq!(written(answer).await, answer);
        }
    }
}
