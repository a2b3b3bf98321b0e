//! The proxies between a rig's services and what they depend on.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, ensure};
use reqwest::Client;
use serde_json::json;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::cells::{Dependency, Trouble};
use crate::chaos::{Fault, Proxy};
use crate::local::Proxied;
use crate::rig::{GroundArgs, Part, Plan, Rig, free_address};

/// What we ask of the vendor, and guests do not: their card forms are none of our dependencies.
const ASKED_BY_US: [&str; 4] = [
    "/v1/payment_intents",
    "/v1/payment_intents/*/capture",
    "/v1/payment_intents/*/cancel",
    "/v1/refunds",
];

/// Where a proxy may listen: anywhere on loopback.
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// One proxy before each dependency.
pub(super) struct Lines {
    postgres: Proxy,
    kafka: Proxy,
    stripe: Proxy,
    vendor: String,
    http: Client,
}

impl Lines {
    /// A rig whose services reach everything through proxies, and these proxies. The rig's own looks and the checker's
    /// go past them.
    ///
    /// # Errors
    /// When the rig does not start.
    pub(super) async fn lay(plan: &Plan, seed: u64) -> anyhow::Result<(Rig, Self)> {
        let broker = free_address()?;
        let kafka = Proxy::start(ANYWHERE, broker, seed).await?;
        let ground = GroundArgs::behind_proxy(Proxied {
            listen: broker.port(),
            advertised: kafka.address().port(),
        });
        let mut rig = Rig::prepare(&ground, plan).await?;
        let database: PgConnectOptions = rig.database_url().parse()?;
        let server = format!("{}:{}", database.get_host(), database.get_port());
        let server = tokio::net::lookup_host(&server).await?.next();
        let server = server.context("where is Postgres?")?;
        let postgres = Proxy::start(ANYWHERE, server, seed).await?;
        let vendor = rig.vendor();
        let counter = vendor.trim_start_matches("http://").parse()?;
        let stripe = Proxy::start(ANYWHERE, counter, seed).await?;
        let lines = Self {
            postgres,
            kafka,
            stripe,
            vendor,
            http: Client::builder().no_proxy().build()?,
        };
        lines.tell(&mut rig, database);
        rig.open().await?;
        Ok((rig, lines))
    }

    fn tell(&self, rig: &mut Rig, database: PgConnectOptions) {
        let by_proxy = database
            .host(&self.postgres.address().ip().to_string())
            .port(self.postgres.address().port())
            .to_url_lossy();
        let has_broker = rig.ground().kafka_brokers().is_some();
        for part in Part::SERVICES {
            let member = rig.member(part, 0);
            member.set("DATABASE_URL", by_proxy.as_str());
            member.set(
                "RAMEN_STRIPE_URL",
                &format!("http://{}", self.stripe.address()),
            );
            if has_broker {
                member.set("KAFKA_BROKERS", &self.kafka.address().to_string());
            }
        }
    }

    /// The proxy before `dependency`.
    pub(super) fn before(&self, dependency: Dependency) -> &Proxy {
        match dependency {
            Dependency::Postgres => &self.postgres,
            Dependency::Kafka => &self.kafka,
            Dependency::Stripe => &self.stripe,
        }
    }

    /// Lets it go wrong from now on.
    ///
    /// # Errors
    /// When the sandbox does not take the fault.
    pub(super) async fn set(
        &self,
        dependency: Dependency,
        trouble: &Trouble,
    ) -> anyhow::Result<()> {
        match trouble {
            Trouble::Wire(fault) => self.before(dependency).set(*fault),
            Trouble::Vendor(fault) => {
                for path in ASKED_BY_US {
                    let rule = json!({
                        "match": { "method": "POST", "path": path },
                        "fault": fault,
                    });
                    let sent = self.http.post(self.faults()).json(&rule).send().await?;
                    let status = sent.status();
                    ensure!(status.is_success(), "the sandbox refuses a fault: {status}");
                }
            }
        }
        Ok(())
    }

    /// Everything is well again.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub(super) async fn lift(&self, dependency: Dependency) -> anyhow::Result<()> {
        self.before(dependency).set(Fault::None);
        let lifted = self.http.delete(self.faults()).send().await?;
        lifted.error_for_status()?;
        Ok(())
    }

    fn faults(&self) -> String {
        format!("{}/_sim/faults", self.vendor)
    }
}
