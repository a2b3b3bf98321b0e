//! One run: what is durable, the vendor, the time, and the processes that live at the moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use command_api::execute::{Answer, ExecuteError, Executor, Key, Work};
use command_api::metadata::Origin;
use domain::testing::test_now;
use infra::clock::{Clock, TestClock};
use infra::lifecycle::Doorbell;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::choices::Choices;
use crate::memory::Memory;
use crate::node::Node;
use crate::plants::Plant;
use crate::vendor::Vendor;

/// A client waits for an answer so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// With faults or without, a request is answered before it was tried so often.
const TRIES_MAX: u32 = 60;

/// What a client was told under a key.
pub(crate) struct Heard {
    pub(crate) key: [u8; 32],
    /// Status and body; none when it was refused.
    pub(crate) answer: Option<(u16, String)>,
}

/// The world of one run.
pub(crate) struct World {
    pub(crate) choices: Choices,
    pub(crate) clock: Clock,
    hand: TestClock,
    began: Instant,
    memory: Mutex<Memory>,
    vendor: Mutex<Vendor>,
    nodes: Mutex<Vec<Node>>,
    heard: Mutex<Vec<Heard>>,
    plant: Option<Plant>,
    epoch: Mutex<i64>,
    pub(crate) deaths: Notify,
    appended: Notify,
    /// Rung in their order, unlike the receivers of a watch, which wake in an order by chance.
    tables: Mutex<Vec<Doorbell>>,
    head: Mutex<Vec<Doorbell>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(seed: u64, budget: u32, plant: Option<Plant>) -> Arc<Self> {
        let hand = TestClock::at(test_now(), seed);
        let memory = Memory {
            plant,
            ..Memory::default()
        };
        Arc::new(Self {
            choices: Choices::new(seed, budget),
            clock: hand.clock(),
            hand,
            began: Instant::now(),
            memory: Mutex::new(memory),
            vendor: Mutex::default(),
            nodes: Mutex::default(),
            heard: Mutex::default(),
            plant,
            epoch: Mutex::new(0),
            deaths: Notify::new(),
            appended: Notify::new(),
            tables: Mutex::default(),
            head: Mutex::default(),
        })
    }

    /// What is durable. Never held across an await.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    /// The vendor's books. Never held across an await.
    pub(crate) fn vendor(&self) -> MutexGuard<'_, Vendor> {
        lock(&self.vendor)
    }

    /// What clients were told.
    pub(crate) fn heard(&self) -> MutexGuard<'_, Vec<Heard>> {
        lock(&self.heard)
    }

    /// The planted fault, while there are faults.
    pub(crate) fn plant(&self) -> Option<Plant> {
        self.plant
    }

    /// Sets the marketplace's clock to the virtual time.
    pub(crate) fn keep_time(&self) {
        let passed = TimeDelta::from_std(self.began.elapsed()).unwrap_or(TimeDelta::MAX);
        self.hand.set(test_now() + passed);
    }

    /// The marketplace's time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.keep_time();
        self.clock.now()
    }

    /// Waits for up to so many milliseconds.
    pub(crate) async fn pause(&self, what: &'static str, most_ms: u64) {
        let wait = self.choices.below(what, most_ms);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    pub(crate) fn written(&self) {
        lock(&self.tables).iter().for_each(Doorbell::ring);
        self.appended.notify_one();
    }

    /// A bell that is rung when effects or timers have changed.
    pub(crate) fn tables_changed(&self) -> Doorbell {
        let bell = Doorbell::new();
        lock(&self.tables).push(bell.clone());
        bell
    }

    /// A bell that is rung when the log has grown.
    pub(crate) fn heads(&self) -> Doorbell {
        let bell = Doorbell::new();
        lock(&self.head).push(bell.clone());
        bell
    }

    /// A process died.
    pub(crate) fn killed(&self) {
        if self.plant == Some(Plant::TimersInMemory) {
            self.memory().timers.clear();
        }
        self.deaths.notify_one();
    }

    /// Numbers what is committed, a little later and in no order between streams.
    pub(crate) async fn number(self: Arc<Self>) {
        loop {
            self.appended.notified().await;
            loop {
                self.pause("numbering", 30).await;
                let many = 1 + self.choices.below("numbered", 6);
                let choose = |streams: usize| {
                    usize::try_from(self.choices.below("stream", streams as u64)).unwrap_or(0)
                };
                let before = self.memory().head().position;
                let more = (0..many).all(|_| self.memory().number(choose));
                if self.memory().head().position > before {
                    lock(&self.head).iter().for_each(Doorbell::ring);
                }
                if !more {
                    break;
                }
            }
        }
    }

    /// Starts a process that leads from now on.
    pub(crate) fn start_node(self: &Arc<Self>) {
        let epoch = {
            let mut epoch = lock(&self.epoch);
            *epoch += 1;
            *epoch
        };
        let node = Node::start(self, epoch);
        let mut nodes = lock(&self.nodes);
        nodes.retain(Node::is_alive);
        nodes.push(node);
    }

    /// Starts a process for each that dies; now and then another one takes the lead while the one before
    /// does not know it yet.
    pub(crate) async fn supervise(self: Arc<Self>) {
        loop {
            let takeover = Duration::from_secs(20);
            let died = tokio::time::timeout(takeover, self.deaths.notified()).await;
            let lives = lock(&self.nodes).iter().any(Node::is_alive);
            if lives && (died.is_ok() || !self.choices.fault("deposed", 60)) {
                if self.choices.is_calm() && lives {
                    self.end_zombies();
                    self.deaths.notified().await;
                }
                continue;
            }
            self.pause("restart", 2_000).await;
            self.start_node();
            self.pause("zombie", 2_000).await;
            self.end_zombies();
        }
    }

    fn end_zombies(&self) {
        let nodes = lock(&self.nodes);
        let living: Vec<&Node> = nodes.iter().filter(|node| node.is_alive()).collect();
        for zombie in living.iter().rev().skip(1) {
            zombie.end();
        }
    }

    /// The way to a process that answers.
    async fn executor(&self) -> Executor {
        loop {
            {
                let nodes = lock(&self.nodes);
                let living: Vec<&Node> = nodes.iter().filter(|node| node.is_alive()).collect();
                if !living.is_empty() {
                    let place = self.choices.below("node", living.len() as u64);
                    return living[usize::try_from(place).unwrap_or(0)].executor();
                }
            }
            self.pause("no node", 100).await;
        }
    }

    /// Asks for some work under one key, again and again until there is an answer; none when it is
    /// refused.
    pub(crate) async fn ask<W>(self: &Arc<Self>, work: W) -> Option<Answer>
    where
        W: Work + Send + Sync + 'static,
    {
        let id = self.clock.fresh_id();
        self.ask_as(id, work).await
    }

    /// The same under a name that others may use, too.
    pub(crate) async fn ask_as<W>(self: &Arc<Self>, id: Uuid, work: W) -> Option<Answer>
    where
        W: Work + Send + Sync + 'static,
    {
        let (key, work) = (key_of(id), Arc::new(work));
        for tries in 0.. {
            assert!(
                tries < TRIES_MAX,
                "{id} is not answered after {tries} tries"
            );
            let attempt = self.attempt(id, &key, Arc::clone(&work)).await;
            if self.choices.fault("asked twice", 40) {
                crate::spawn(self.attempt(id, &key, Arc::clone(&work)).await);
            }
            match tokio::time::timeout(PATIENCE, crate::spawn(attempt)).await {
                Ok(Ok(Ok(answer))) => {
                    self.hear(&key, Some((answer.status, answer.body.clone())));
                    return Some(answer).filter(|answer| answer.status < 400);
                }
                Ok(Ok(Err(ExecuteError::Refused(_)))) => {
                    self.hear(&key, None);
                    return None;
                }
                Ok(Ok(Err(error @ (ExecuteError::NotTheirs | ExecuteError::KeyReused)))) => {
                    panic!("a client was told that {error}");
                }
                Ok(Err(panicked)) => panic!("a request panicked: {panicked}"),
                Ok(Ok(Err(error))) if tries + 1 == TRIES_MAX => panic!("{id}: {error:?}"),
                Ok(Ok(Err(_))) | Err(_) => self.pause("asks again", 2_000).await,
            }
        }
        unreachable!("it asks until it is answered")
    }

    async fn attempt<W>(
        &self,
        id: Uuid,
        key: &Key,
        work: Arc<W>,
    ) -> impl Future<Output = Result<Answer, ExecuteError>> + Send + 'static + use<W>
    where
        W: Work + Send + Sync + 'static,
    {
        let (executor, key) = (self.executor().await, key.clone());
        let origin = Origin {
            role: "customer".to_owned(),
            request_id: id.to_string(),
            ..Origin::default()
        };
        async move { executor.execute(&origin, Some(&key), work.as_ref()).await }
    }

    fn hear(&self, key: &Key, answer: Option<(u16, String)>) {
        let key = key.hash;
        self.heard().push(Heard { key, answer });
    }
}

fn key_of(id: Uuid) -> Key {
    let mut hash = [7; 32];
    hash[..16].copy_from_slice(id.as_bytes());
    Key {
        hash,
        fingerprint: hash,
    }
}
