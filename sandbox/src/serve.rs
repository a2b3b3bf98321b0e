//! The listener, its connections, and the loop that carries out what falls due.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::front::Front;
use crate::pace::{Orders, Paced};
use crate::world::Vendor;

/// How long requests in hand may take once the run ends.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Rest after a failed accept, which mostly means that descriptors ran out.
const ACCEPT_WAIT: Duration = Duration::from_millis(50);

/// The longest single wait for a timer; the clock may be turned meanwhile.
const TIMER_WAIT_MAX: Duration = Duration::from_hours(1);

/// Serves `front` on `listener` until `stop`.
pub(crate) async fn serve<V: Vendor>(front: Front<V>, listener: TcpListener) {
    let stop = front.world.stop.clone();
    let tasks = front.world.tasks.clone();
    tasks.spawn(keep_time(front.clone()));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tasks.spawn(connection(front.clone(), stream)); }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_WAIT).await;
                }
            }
        }
    }
    tasks.close();
    if tokio::time::timeout(LAST_WAIT, tasks.wait()).await.is_err() {
        tracing::warn!(
            sandbox.tasks = tasks.len(),
            "requests were still running at the end"
        );
    }
}

/// Carries out jobs as they fall due.
async fn keep_time<V: Vendor>(front: Front<V>) {
    let world = front.world.clone();
    loop {
        front.fire_due();
        let next = world.timers.next_due();
        let wait = next.map_or(TIMER_WAIT_MAX, |due| world.clock.real_until(due));
        tokio::select! {
            () = world.stop.cancelled() => return,
            () = world.timers.changed() => {}
            () = tokio::time::sleep(wait.min(TIMER_WAIT_MAX)) => {}
        }
    }
}

async fn connection<V: Vendor>(front: Front<V>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection went before it was served");
    }
    let stop = front.world.stop.clone();
    let orders = Arc::new(Orders::default());
    let io = TokioIo::new(Paced::new(stream, orders.clone()));
    let service =
        service_fn(move |request| Box::pin(front.clone().handle(request, orders.clone())));
    let mut served = http1::Builder::new().serve_connection(io, service);
    if let Err(error) = until_done(&mut served, &stop).await {
        tracing::trace!(%error, "a connection ended early");
    }
    if let Err(error) = served.into_parts().io.into_inner().close().await {
        tracing::trace!(%error, "a connection was already closed");
    }
}

/// Drives a connection to its end; after `stop` it takes no further request.
async fn until_done<S>(
    served: &mut http1::Connection<TokioIo<Paced>, S>,
    stop: &CancellationToken,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body> + Unpin,
    S::Future: Unpin,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::select! {
        done = poll_fn(|context| served.poll_without_shutdown(context)) => return done,
        () = stop.cancelled() => {}
    }
    Pin::new(&mut *served).graceful_shutdown();
    poll_fn(|context| served.poll_without_shutdown(context)).await
}
