//! Customers, shops and the vendor's news. They do what they like; only their requests are repeated.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use command_api::execute::{Reply, Single};
use domain::aggregates::{Inventory, Kind, Order, Payment};
use domain::kernel::actor::{Actor, Channel};
use domain::kernel::flags::Flags;
use domain::kernel::ids::{CustomerId, PrincipalId, RestaurantId};
use domain::kernel::quantity::{Minutes, Quantity};
use domain::kernel::text::Reason;
use domain::ordering::cart::{CartCommand, CartPromotion};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::{LineChoice, Shortage};
use domain::ordering::order::{FaultParty, OrderCommand, RejectReason};
use domain::ordering::window::Window;
use domain::payment::payment::IntentId;
use domain::restaurant::inventory::InventoryCommand;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::checkout::{CheckOut, FillCart, Pack};
use crate::shop::{BOWL, PROMOTION, SHOPS, key, read};
use crate::world::World;

/// The people of one run.
#[derive(Clone)]
pub(crate) struct People {
    world: Arc<World>,
    flags: Arc<Flags>,
}

fn reason() -> Reason {
    Reason::parse("they changed their mind").expect("a sentence")
}

impl People {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let flags = Arc::new(Flags::default());
        Self { world, flags }
    }

    fn chance(&self, what: &'static str, in_hundred: u64) -> bool {
        self.world.choices.in_hundred(what, in_hundred)
    }

    async fn seconds(&self, what: &'static str, most: u64) {
        self.world.pause(what, most * 1_000).await;
    }

    /// A customer fills a cart, orders, pays or does not, and may change their mind.
    pub(crate) async fn customer(self, who: u128) {
        // Many come at once, when the doors open.
        let within = if self.chance("rush", 60) { 1 } else { 120 };
        self.seconds("comes", within).await;
        let cart = self.world.clock.fresh_id();
        let commands = self.wishes(CustomerId::new(Uuid::from_u128(0x100 + who)));
        let filled = self.world.ask(FillCart { cart, commands }).await;
        if filled.is_none() {
            return;
        }
        let flags = Arc::clone(&self.flags);
        let Some(answer) = self.world.ask(CheckOut { cart, flags }).await else {
            return;
        };
        let order: Value = serde_json::from_str(&answer.body).expect("an answer is JSON");
        let (payment, order) = (read(order["payment"].clone()), read(order["order"].clone()));
        let mut ways = JoinSet::new();
        ways.spawn(self.clone().pay(payment));
        if self.chance("cancels", 20) {
            ways.spawn(self.clone().cancel(order, who));
        }
        while let Some(ended) = ways.join_next().await {
            ended.expect("a customer goes on");
        }
    }

    fn wishes(&self, customer: CustomerId) -> Vec<CartCommand> {
        let shop = self.world.choices.below("shop", SHOPS.len() as u64);
        let bowls = 1 + u32::from(self.chance("two bowls", 40));
        let choice = LineChoice {
            item: key("shoyu"),
            quantity: Quantity::try_from(bowls).expect("few bowls"),
            options: Vec::new(),
            note: None,
            shortage: Shortage::Refund,
            substitute: None,
        };
        let mut commands = vec![
            CartCommand::Open {
                customer,
                restaurant: SHOPS[usize::try_from(shop).unwrap_or(0)],
                channel: Channel::App,
                life: self.flags.cart_life,
            },
            CartCommand::AddLine {
                choice,
                lines_max: self.flags.lines_max,
            },
            CartCommand::SetFulfilment {
                fulfilment: Fulfilment::Pickup,
                window: self.window(),
            },
        ];
        if self.chance("promotion", 60) {
            let promotion = CartPromotion {
                id: PROMOTION,
                code: read(json!("ramen10")),
            };
            commands.push(CartCommand::SetPromotion {
                promotion: Some(promotion),
            });
        }
        commands
    }

    /// Some want it later.
    fn window(&self) -> Option<Window> {
        if !self.chance("later", 20) {
            return None;
        }
        let from = self.world.now() + TimeDelta::minutes(60);
        Window::new(from, from + TimeDelta::minutes(30)).ok()
    }

    async fn pay(self, payment: Uuid) {
        let walks_away = self.chance("walks away", 15);
        let declined = self.chance("declined", 15);
        for _ in 0..60 {
            self.seconds("thinks", 10).await;
            let intent = self.world.vendor().intent_of(payment);
            let Some(intent) = intent.filter(|_| !walks_away) else {
                continue;
            };
            if declined {
                self.world.vendor().confirm(&intent, true);
                self.clone().tell(payment, intent.clone()).await;
                self.seconds("another card", 60).await;
            }
            self.world.vendor().confirm(&intent, false);
            return self.tell(payment, intent).await;
        }
    }

    /// News of a payment: lost, late, or repeated. As the inbox does, it reads the vendor's object.
    async fn tell(self, payment: Uuid, intent: IntentId) {
        let copies = self.world.choices.below("copies", 4);
        let name = self.world.clock.fresh_id();
        for copy in 0..copies {
            self.seconds("news", 60).await;
            let Some(shown) = self.world.vendor().shown(&intent) else {
                return;
            };
            let told = Single {
                id: payment,
                command: shown.vendor.news(),
                expected: None,
                allow: |_: &Payment| true,
                reply: Reply::done(),
            };
            // A vendor may tell the same again under another name.
            let name = if copy < 2 {
                name
            } else {
                self.world.clock.fresh_id()
            };
            drop(self.world.ask_as(name, told).await);
        }
    }

    async fn order(&self, order: Uuid, command: OrderCommand) -> bool {
        let asked = Single {
            id: order,
            command,
            expected: None,
            allow: |_: &Order| true,
            reply: Reply::done(),
        };
        self.world.ask(asked).await.is_some()
    }

    async fn cancel(self, order: Uuid, who: u128) {
        self.seconds("changes their mind", 600).await;
        let id = CustomerId::new(Uuid::from_u128(0x100 + who));
        let cancel = OrderCommand::Cancel {
            by: Actor::Customer { id },
            reason: reason(),
            fault: FaultParty::Customer,
        };
        self.order(order, cancel).await;
    }

    /// The shops look at their orders as they come.
    pub(crate) async fn kitchens(self) {
        let (mut read, mut seen) = (0, BTreeSet::new());
        let head = self.world.heads();
        loop {
            let rows = self.world.memory().log[read..].to_vec();
            read += rows.len();
            for row in rows {
                let placed = row.stream.kind == Kind::Order && row.event_type == "placed";
                if placed && seen.insert(row.stream.id) {
                    crate::spawn(self.clone().cook(row.stream.id));
                }
            }
            head.rung().await;
        }
    }

    async fn cook(self, order: Uuid) {
        self.seconds("looks at it", 280).await;
        if self.chance("overlooks it", 12) {
            return;
        }
        if self.chance("rejects", 10) {
            let reason = RejectReason::TooBusy;
            self.order(order, OrderCommand::Reject { reason, note: None })
                .await;
            return;
        }
        let prep_minutes = Minutes::new(10);
        if !self
            .order(order, OrderCommand::Accept { prep_minutes })
            .await
        {
            return;
        }
        if self.chance("runs out", 12) {
            self.run_out(order).await;
        }
        self.seconds("fires", 300).await;
        self.order(order, OrderCommand::Fire { automatic: false })
            .await;
        self.seconds("packs", 300).await;
        let line = read(self.first_line(order));
        drop(self.world.ask(Pack { order, line }).await);
        self.seconds("waits", 1_200).await;
        let end = if self.chance("fetched", 85) {
            OrderCommand::Collect
        } else {
            OrderCommand::NotCollected
        };
        self.order(order, end).await;
    }

    async fn run_out(&self, order: Uuid) {
        let shop = PrincipalId::new(Uuid::from_u128(0x200));
        let line = self.first_line(order);
        let short = OrderCommand::Short {
            short: self.world.clock.fresh_id(),
            line: read(line),
            units: 1,
            substitute: None,
            substitute_needs: Vec::new(),
            answer_by: self.world.now() + TimeDelta::minutes(3),
            by: Actor::Restaurant { id: shop },
        };
        self.order(order, short).await;
    }

    fn first_line(&self, order: Uuid) -> Value {
        let memory = self.world.memory();
        let mut events = memory.events.iter();
        let found = events.find(|event| event.stream.id == order && event.sequence == 1);
        let payload = &found.expect("an order begins").event.payload;
        let payload: Value = serde_json::from_str(payload).expect("events are JSON");
        payload["lines"][0]["line"].clone()
    }

    /// Somebody counts the shelf, and finds less than the books say.
    pub(crate) async fn counts(self, shop: RestaurantId) {
        self.seconds("counts", 1_800).await;
        let bowls = i64::try_from(self.world.choices.below("counted", 3)).unwrap_or(0);
        let recount = json!({"type": "recount", "ingredient": "noodles", "counted": bowls * BOWL});
        let counted = Single {
            id: shop.uuid(),
            command: read::<InventoryCommand>(recount),
            expected: None,
            allow: |_: &Inventory| true,
            reply: Reply::done(),
        };
        drop(self.world.ask(counted).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
