//! A marketplace of real child processes of this executable, which tests kill, stop, start again and
//! ask: `sandbox`, `command-api`, `publisher`, `projector` and `query-api`, one or several of each, on
//! a Postgres and a Kafka of their own.
//!
//! Reading order: `part` (which processes there are), `ground` (Postgres and Kafka), `member` (one
//! process: start, signals, readiness, its end), `ports`, then [`Rig`] here, which puts them together.
//!
//! Nothing outlives a rig. A member's standard input is a pipe that the rig holds: when it closes, in
//! whatever way the rig ended, the member ends too (`--attended`), and so does the child that runs
//! Postgres and Kafka. Only a member that is stopped at that moment needs the rig's own end to be orderly:
//! dropping the rig kills it.
//!
//! A member finds everything by variables ([`Member::set`]), which may be changed between two starts:
//! a proxy comes between a member and `DATABASE_URL`, `KAFKA_BROKERS` or `RAMEN_STRIPE_URL` that way.
//! Ports stay the same over restarts.

mod ground;
mod member;
mod part;
mod ports;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use command_api::publisher::Notary;
use futures::future::try_join_all;
use infra::clock::Clock;
use infra::config::{ClockSettings, Config};
use infra::http::logins::PgLogins;
use infra::http::token::Tokens;
use infra::postgres::{self, Role};
use sqlx::PgPool;
use tempfile::TempDir;

pub(crate) use ground::{Ground, GroundArgs};
pub(crate) use member::{Member, Tool};
pub(crate) use part::Part;
pub(crate) use ports::free as free_address;

use crate::check::{CheckArgs, LiveArgs};
use crate::client::{Api, Door, Origins, Patience, Recording};
use crate::door::through;

/// Longest time until a member is ready: a build with debug assertions on a busy machine is slow.
pub(crate) const READY_WITHIN: Duration = Duration::from_mins(1);

/// What a rig is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Marketplace seconds in a real second, and what the clock shows at the start.
    pub(crate) clock: ClockSettings,
    /// How many of each; the sandbox is always one.
    pub(crate) of_each: usize,
    /// Variables that every member is given beside those that tell it where things are.
    pub(crate) extra: Vec<(&'static str, String)>,
}

impl Plan {
    /// One of each, on a clock that starts at `origin` and runs at `speed`.
    pub(crate) fn single(origin: Option<chrono::DateTime<chrono::Utc>>, speed: u32) -> Self {
        let anchor = Some(Clock::system().now());
        Self {
            clock: ClockSettings {
                origin,
                anchor,
                speed,
            },
            of_each: 1,
            extra: Vec::new(),
        }
    }
}

/// Running child processes and what they stand on.
pub(crate) struct Rig {
    ground: Ground,
    common: Vec<(&'static str, String)>,
    clock: Clock,
    config: Config,
    members: Vec<Member>,
    pool: PgPool,
    folder: TempDir,
}

impl Rig {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// When Postgres or Kafka do not come up, or a member does not get ready; the message names its log.
    pub(crate) async fn begin(args: &GroundArgs, plan: &Plan) -> anyhow::Result<Self> {
        let mut rig = Self::prepare(args, plan).await?;
        rig.open().await?;
        Ok(rig)
    }

    /// Everything but the processes, so that somebody can come [between](Self::member) them and what they
    /// use.
    ///
    /// # Errors
    /// When Postgres or Kafka do not come up, or the database cannot be migrated.
    pub(crate) async fn prepare(args: &GroundArgs, plan: &Plan) -> anyhow::Result<Self> {
        let mut folder = tempfile::Builder::new().prefix("ramen-rig.").tempdir()?;
        // What fails here is explained in its log.
        folder.disable_cleanup(true);
        let ground = Ground::prepare(args, folder.path()).await?;
        let common = common(&ground, plan);
        member::finish("migrate", &["migrate"], &common, folder.path()).await?;
        let options = postgres::options(ground.database_url())?;
        Ok(Self {
            clock: plan.clock.clock(),
            config: Config::read(&|_| Ok(None))?,
            members: members(plan, &common, folder.path())?,
            pool: postgres::pool(options, Role::App, 4),
            ground,
            common,
            folder,
        })
    }

    /// Starts every process and waits until it is ready.
    ///
    /// # Errors
    /// When one does not get ready; the message names its log.
    pub(crate) async fn open(&mut self) -> anyhow::Result<()> {
        // The vendor first: nobody may find it missing.
        for parts in [&[Part::Sandbox][..], &Part::SERVICES] {
            self.start(parts).await?;
        }
        self.folder.disable_cleanup(false);
        Ok(())
    }

    async fn start(&mut self, parts: &[Part]) -> anyhow::Result<()> {
        let mut started: Vec<&mut Member> = Vec::new();
        for member in &mut self.members {
            if parts.contains(&member.part()) {
                member.start()?;
                started.push(member);
            }
        }
        try_join_all(started.into_iter().map(|member| member.ready(READY_WITHIN))).await?;
        Ok(())
    }

    /// The marketplace's clock, which all members share.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The `number`th of a part, from 0.
    ///
    /// # Panics
    /// When there are fewer.
    pub(crate) fn member(&mut self, part: Part, number: usize) -> &mut Member {
        let mut of_part = self
            .members
            .iter_mut()
            .filter(|member| member.part() == part);
        let Some(member) = of_part.nth(number) else {
            panic!("the rig has no {} number {number}", part.name());
        };
        member
    }

    /// Starts one more of a part and waits until it is ready; gives its number.
    ///
    /// # Errors
    /// When it does not get ready.
    pub(crate) async fn add(&mut self, part: Part) -> anyhow::Result<usize> {
        let number = self.members.iter().filter(|m| m.part() == part).count();
        let mut member = Member::new(part, number, self.folder.path())?;
        let wiring = Wiring::of(&self.members)?;
        wiring.tell(&mut member, &self.common, self.folder.path())?;
        member.start()?;
        member.ready(READY_WITHIN).await?;
        self.members.push(member);
        Ok(number)
    }

    /// Takes one out that runs no more, such as one that was [added](Self::add).
    pub(crate) fn remove(&mut self, part: Part, number: usize) {
        self.members
            .retain(|member| member.part() != part || member.number() != number);
    }

    /// The database of events, views and keys, as its owner: for looking, not for what members do.
    pub(crate) fn database_url(&self) -> &str {
        self.ground.database_url()
    }

    /// Where Postgres and Kafka are.
    pub(crate) fn ground(&mut self) -> &mut Ground {
        &mut self.ground
    }

    /// Origin of the sandbox, which plays the vendors.
    pub(crate) fn vendor(&self) -> String {
        let mut sandbox = self.members.iter().filter(|m| m.part() == Part::Sandbox);
        sandbox.next().map(Member::vendor).unwrap_or_default()
    }

    /// Origins of the public API: writes go to the command-apis in turn, reads to the query-apis.
    pub(crate) fn origins(&self) -> Origins {
        let of = |part| {
            let members = self.members.iter().filter(move |m| m.part() == part);
            members.map(Member::origin).collect()
        };
        Origins::apart(of(Part::CommandApi), of(Part::QueryApi))
    }

    /// A door to the public API, whose writes are recorded where a recording is given.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn door(
        &self,
        recording: Option<Recording>,
        patience: Patience,
    ) -> anyhow::Result<Door> {
        let clock = self.clock.clone();
        let api = Api::of(self.origins(), patience, clock.clone(), recording)?;
        let tokens = Tokens::new(&self.config.tokens, clock.clone())?;
        let logins = PgLogins::new(self.pool.clone());
        Ok(through(api, clock, tokens, logins))
    }

    /// What the checker is to look at.
    ///
    /// # Errors
    /// When the checkpoints' key does not read.
    pub(crate) fn books(&self, history: Option<PathBuf>) -> anyhow::Result<CheckArgs> {
        Ok(CheckArgs {
            database_url: self.ground.database_url().to_owned(),
            views_url: None,
            kafka_brokers: self.ground.kafka_brokers().map(str::to_owned),
            topic_prefix: self.ground.topic_prefix().to_owned(),
            sandbox_url: Some(self.vendor()),
            index: Some(host(self.folder.path(), 0).join("search")),
            history,
            verifiers: Notary::new(&self.config.checkpoints)?.verifiers(),
            json: false,
            full: true,
            live: LiveArgs::default(),
        })
    }

    /// The folder with the members' data and logs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends every member in order, then Postgres and Kafka. Logs are kept when `keep` says so, and their
    /// folder is given.
    ///
    /// # Errors
    /// When a member did not end by itself within its time, or had failed.
    pub(crate) async fn end(mut self, keep: bool) -> anyhow::Result<Option<PathBuf>> {
        let mut ended = Ok(());
        // Readers and writers before the vendor, which may be in the middle of telling them something.
        for member in self.members.iter_mut().rev() {
            ended = ended.and(member.stop().await);
        }
        self.pool.close().await;
        ended = ended.and(self.ground.end().await);
        let kept = if keep { Some(self.folder.keep()) } else { None };
        ended.map(|()| kept)
    }
}

/// What every process is told.
fn common(ground: &Ground, plan: &Plan) -> Vec<(&'static str, String)> {
    /// Requests of one caller a minute of a fast clock: all traffic comes from one address.
    const RATE_QUOTA: u32 = 100_000_000;
    let mut common = vec![
        ("DATABASE_URL", ground.database_url().to_owned()),
        ("KAFKA_TOPIC_PREFIX", ground.topic_prefix().to_owned()),
        ("KAFKA_PARTITIONS", "3".to_owned()),
        ("RAMEN_CLOCK_SPEED", plan.clock.speed.to_string()),
        ("RAMEN_RATE_QUOTA", RATE_QUOTA.to_string()),
        ("RAMEN_DB_CONNECTIONS", "8".to_owned()),
        ("RAMEN_LOG", "info".to_owned()),
    ];
    if let Some(brokers) = ground.kafka_brokers() {
        common.push(("KAFKA_BROKERS", brokers.to_owned()));
    }
    for (name, instant) in [
        ("RAMEN_CLOCK_ANCHOR", plan.clock.anchor),
        ("RAMEN_CLOCK_ORIGIN", plan.clock.origin),
    ] {
        if let Some(instant) = instant {
            common.push((name, instant.to_rfc3339()));
        }
    }
    common.extend(plan.extra.iter().cloned());
    common
}

/// The processes, not yet started, each with its ports and variables.
fn members(
    plan: &Plan,
    common: &[(&'static str, String)],
    folder: &Path,
) -> anyhow::Result<Vec<Member>> {
    let mut members = vec![Member::new(Part::Sandbox, 0, folder)?];
    for part in Part::SERVICES {
        for number in 0..plan.of_each {
            members.push(Member::new(part, number, folder)?);
        }
    }
    let wiring = Wiring::of(&members)?;
    for member in &mut members {
        wiring.tell(member, common, folder)?;
    }
    Ok(members)
}

/// Where members find each other.
struct Wiring {
    vendor: String,
    webhooks: String,
}

impl Wiring {
    fn of(members: &[Member]) -> anyhow::Result<Self> {
        let first = |part| members.iter().find(move |member| member.part() == part);
        Ok(Self {
            vendor: first(Part::Sandbox)
                .map(Member::vendor)
                .context("a rig without a sandbox")?,
            webhooks: first(Part::CommandApi)
                .map(Member::origin)
                .context("a rig without a command-api")?,
        })
    }

    /// Gives a member its variables and its folder. A projector and a query-api of one number share a
    /// host, and with it the search index.
    fn tell(
        &self,
        member: &mut Member,
        common: &[(&'static str, String)],
        folder: &Path,
    ) -> anyhow::Result<()> {
        for (name, value) in common {
            member.set(name, value);
        }
        let data = host(folder, member.number());
        std::fs::create_dir_all(&data)?;
        member.set("RAMEN_DIR", &data.display().to_string());
        member.set("RAMEN_STRIPE_URL", &self.vendor);
        member.set("RAMEN_SANDBOX_WEBHOOKS", &self.webhooks);
        Ok(())
    }
}

fn host(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("host-{number}"))
}
