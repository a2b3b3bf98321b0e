//! A connection that can be slowed down and torn, for faults below HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What a handler asks of its connection.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    reset: AtomicBool,
    bytes_per_second: AtomicU32,
}

impl Orders {
    /// The connection ends with a reset.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// From now on this many bytes leave per second.
    pub(crate) fn slow_down(&self, bytes_per_second: u32) {
        self.bytes_per_second
            .store(bytes_per_second.max(1), Ordering::Relaxed);
    }
}

/// A TCP stream that obeys `Orders`.
#[derive(Debug)]
pub(crate) struct Paced {
    stream: TcpStream,
    orders: Arc<Orders>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(crate) fn new(stream: TcpStream, orders: Arc<Orders>) -> Self {
        Self {
            stream,
            orders,
            pause: None,
        }
    }

    /// Closes the stream: with a reset when that was ordered.
    ///
    /// # Errors
    /// When the socket is already gone.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        if self.orders.reset.load(Ordering::Relaxed) {
            return self.stream.set_zero_linger();
        }
        tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let pace = this.orders.bytes_per_second.load(Ordering::Relaxed);
        if pace == 0 {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        }
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(context));
            this.pause = None;
        }
        // A tenth of a second's worth at a time is slow without thousands of wake-ups.
        let piece = usize::try_from(pace / 10)
            .unwrap_or(usize::MAX)
            .max(1)
            .min(bytes.len());
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, &bytes[..piece]))?;
        let share = f64::from(u32::try_from(written).unwrap_or(u32::MAX)) / f64::from(pace);
        this.pause = Some(Box::pin(tokio::time::sleep(Duration::from_secs_f64(share))));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
