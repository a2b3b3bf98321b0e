//! The subcommands `up` and `local-services`.

use std::io::IsTerminal as _;
use std::pin::pin;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Addresses, Purpose, ServiceArgs, Services};
use crate::console;

/// Starts Postgres and Kafka, then `run` on them, and stops all of it in the reverse order.
///
/// `run` ends soon after its token is cancelled, which happens on Ctrl-C, on SIGTERM and when a
/// service dies. A second signal no longer waits for it.
///
/// # Errors
/// When a service does not come up or dies, or with the error of `run`.
pub(crate) async fn up<F, Work>(args: &ServiceArgs, run: F) -> anyhow::Result<()>
where
    F: FnOnce(Addresses, CancellationToken) -> Work,
    Work: Future<Output = anyhow::Result<()>>,
{
    let mut signals = StopSignals::listen()?;
    let mut services = tokio::select! {
        started = Services::start(args, Purpose::Keep) => started?,
        () = signals.next() => return Ok(()),
    };
    let worked = attend(&mut services, &mut signals, run).await;
    console::progress("stopping");
    services.stop().await?;
    worked
}

async fn attend<F, Work>(
    services: &mut Services,
    signals: &mut StopSignals,
    run: F,
) -> anyhow::Result<()>
where
    F: FnOnce(Addresses, CancellationToken) -> Work,
    Work: Future<Output = anyhow::Result<()>>,
{
    let stop = CancellationToken::new();
    let mut work = pin!(run(services.addresses().clone(), stop.clone()));
    let reason = tokio::select! {
        ended = &mut work => return ended,
        () = signals.next() => Ok(()),
        error = services.died() => Err(error),
    };
    stop.cancel();
    tokio::select! {
        ended = work => reason.and(ended),
        () = signals.next() => reason,
    }
}

/// Arguments of `local-services`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LocalServicesArgs {
    #[command(flatten)]
    services: ServiceArgs,
    /// Throw the data away at the end, and do not wait for the disk: for tests
    #[arg(long)]
    throwaway: bool,
}

/// Starts Postgres and Kafka for another program, names them on standard output and stays until
/// standard input closes or a signal comes.
///
/// The output is `DATABASE_URL=…`, `KAFKA_BROKERS=…` (when there is a broker), then `READY`.
/// Services that the environment names are not used: who asks for private ones gets them.
///
/// # Errors
/// When a service does not come up or dies.
pub(crate) async fn local_services(args: LocalServicesArgs) -> anyhow::Result<()> {
    let purpose = if args.throwaway {
        Purpose::Throwaway
    } else {
        Purpose::Keep
    };
    let wanted = ServiceArgs {
        database_url: None,
        kafka_brokers: None,
        ..args.services
    };
    let mut signals = StopSignals::listen()?;
    let mut services = tokio::select! {
        started = Services::start(&wanted, purpose) => started?,
        () = signals.next() => return Ok(()),
    };
    let addresses = services.addresses();
    console::line(format!("DATABASE_URL={}", addresses.database_url));
    if let Some(brokers) = &addresses.kafka_brokers {
        console::line(format!("KAFKA_BROKERS={brokers}"));
    }
    console::line("READY");
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        () = input_closed() => Ok(()),
        error = services.died() => Err(error),
    };
    services.stop().await?;
    ended
}

/// At a terminal only Ctrl-C ends the wait: nobody holds the other end of a pipe.
async fn input_closed() {
    if std::io::stdin().is_terminal() {
        std::future::pending::<()>().await;
    }
    let (closed, wait) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own, since tokio's reader of standard input keeps the process from ending.
    std::thread::spawn(move || {
        // Closed or broken, there is nobody left who wants us to stay.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        drop(closed);
    });
    wait.await.ok();
}

/// Ctrl-C and SIGTERM, however often.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Begins to listen; from then on they no longer end the process by themselves.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        Ok(Self {
            interrupt,
            terminate,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
