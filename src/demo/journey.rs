//! One bowl from cart to door, told hop by hop.

use std::time::Duration;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use super::choose;
use super::find::{Shop, find_shop};
use super::paper::{Paper, millis, money};
use super::sold_out::run_out;
use super::told::tell;
use crate::client::{
    Answer, CallError, CardForm, Confirmation, Courier, Customer, Dispatcher, Door, Followed,
    Kitchen, Line, Person, Role, Seen,
};

/// Everybody who has a part in it.
pub(super) struct Journey<'door> {
    paper: Paper,
    door: &'door Door,
    vendor: &'door str,
    near: (f64, f64),
    customer: Customer,
    ops: Dispatcher,
    courier: Courier,
    driver: Uuid,
}

/// A line of the cart, as the API numbered it.
struct Numbered {
    number: i64,
    line: Line,
}

/// What checkout gave.
struct Ordered {
    id: String,
    lines: Vec<Numbered>,
}

impl<'door> Journey<'door> {
    /// Signs everybody in.
    pub(super) async fn begin(
        door: &'door Door,
        vendor: &'door str,
        near: (f64, f64),
    ) -> anyhow::Result<Self> {
        // A new guest each time: the cart of an interrupted demo is nobody's business.
        let guest = Person {
            id: door.api().clock().fresh_id(),
            role: Role::Customer,
            restaurants: Vec::new(),
        };
        let driver = Person::named(Role::Driver, "demo");
        Ok(Self {
            paper: Paper::new(),
            door,
            vendor,
            near,
            customer: Customer(door.open(&guest).await?),
            ops: Dispatcher(door.ops(0).await?),
            courier: Courier(door.open(&driver).await?),
            driver: driver.id,
        })
    }

    /// The whole way.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.paper.heading("A guest is hungry");
        let shop = find_shop(&self.paper, self.door, self.near).await?;
        let ordered = self.order(&shop).await?;
        self.paper
            .heading("The order is paid and followed by its events");
        let mut followed = self.follow(&ordered).await?;
        self.pay(&ordered, &mut followed).await?;
        self.paper.heading("The shop cooks, a driver comes");
        let delivery = self.cook_and_send(&shop, &ordered, &mut followed).await?;
        self.paper.heading("The bowl travels");
        self.bring(&ordered, &delivery, &mut followed).await?;
        self.paper
            .heading("What happened, by the clock on the shop's wall");
        tell(&self.customer, &ordered.id, &shop.zone).await?;
        self.paper.heading("A pot runs empty");
        let bowl = ordered.lines.iter().find(|numbered| numbered.line.is_bowl);
        if let Some(bowl) = bowl {
            run_out(&self.paper, self.door, &shop, &bowl.line.item).await?;
        }
        self.slowest();
        Ok(())
    }

    async fn order(&self, shop: &Shop) -> anyhow::Result<Ordered> {
        let cart = self.customer.open_cart(&shop.id).await?;
        self.paper.hop("opens a cart", cart.took, None);
        let cart_id = cart.text("/id")?.to_owned();
        self.choose_wrong(shop, &cart_id).await?;
        let mut lines = Vec::new();
        for (section, quantity) in [("ramen", 1), ("sides", 1)] {
            let line = choose::line(&shop.menu, section, quantity, &mut choose::first)
                .with_context(|| format!("the menu has no {section}"))?;
            let added = self.customer.add_line(&cart_id, &line).await?;
            self.paper
                .hop(&format!("adds {}", describe(&line)), added.took, None);
            lines.push(Numbered {
                number: added.integer("/line")?,
                line,
            });
        }
        let address = shop.door();
        let quoted = self
            .customer
            .set_fulfilment(&cart_id, Some(&address))
            .await?;
        self.paper.hop(
            "says where the door is and gets the quote",
            quoted.took,
            None,
        );
        let quote = quoted
            .text("/quote/quote_id")
            .with_context(|| format!("the cart has no quote: {}", quoted.body["refusals"]))?;
        self.print_quote(&quoted);
        let ordered = self.customer.check_out(&cart_id, quote).await?;
        self.paper.hop("checks out", ordered.took, None);
        let id = ordered.text("/order_id")?.to_owned();
        self.paper
            .detail(format!("order {} at {}", ordered.body["number"], shop.name));
        Ok(Ordered { id, lines })
    }

    /// A choice that the shop's rules forbid: the cart says why, in the shop's words.
    async fn choose_wrong(&self, shop: &Shop, cart_id: &str) -> anyhow::Result<()> {
        let Some((line, reason)) = choose::forbidden_line(&shop.menu) else {
            return Ok(());
        };
        let added = self.customer.add_line(cart_id, &line).await?;
        self.paper
            .hop(&format!("tries {}", describe(&line)), added.took, None);
        let refused = added.list("/refusals");
        let why = refused
            .iter()
            .find(|fault| {
                fault["code"]
                    .as_str()
                    .is_some_and(|code| code.starts_with("rule_"))
            })
            .with_context(|| format!("no rule was named: {}", added.body["refusals"]))?;
        self.paper.detail(format!(
            "refused at {}: {}",
            why["pointer"].as_str().unwrap_or_default(),
            why["detail"].as_str().unwrap_or_default()
        ));
        self.paper.detail(format!("the menu said so: {reason}"));
        let number = added.integer("/line")?;
        let removed = self.customer.remove_line(cart_id, number).await?;
        self.paper.hop("takes it out again", removed.took, None);
        Ok(())
    }

    fn print_quote(&self, quoted: &Answer) {
        let currency = quoted.body["quote"]["currency"].as_str().unwrap_or("");
        for line in quoted.list("/quote/lines") {
            let kind = line["kind"].as_str().unwrap_or("").replace('_', " ");
            let label = label(line).unwrap_or(kind);
            let amount = money(line["amount_minor"].as_i64().unwrap_or(0), currency);
            self.paper.detail(format!("{amount:>14}  {label}"));
        }
        let total = quoted.body["quote"]["total_minor"].as_i64().unwrap_or(0);
        self.paper
            .detail(format!("{:>14}  in all", money(total, currency)));
    }

    async fn follow(&self, ordered: &Ordered) -> anyhow::Result<Followed> {
        let clock = self.door.api().clock();
        let watch = clock.stopwatch();
        let stream = self
            .customer
            .follow(&ordered.id)
            .await
            .context("cannot follow the order")?;
        self.paper
            .hop("opens the order's events", watch.elapsed(), None);
        Ok(Followed::new(stream, clock.clone()))
    }

    async fn pay(&self, ordered: &Ordered, followed: &mut Followed) -> anyhow::Result<()> {
        let session = self.customer.payment_session(&ordered.id).await?;
        self.paper.hop("asks for the card form", session.took, None);
        let form = CardForm {
            vendor: self.vendor.trim_end_matches('/').to_owned(),
            intent: session.text("/intent")?.to_owned(),
            client_secret: session.text("/client_secret")?.to_owned(),
            publishable_key: session.text("/publishable_key")?.to_owned(),
        };
        let watch = self.door.api().clock().stopwatch();
        let said = form.confirm(self.door.api(), "pm_card_visa").await?;
        let took = watch.elapsed();
        if let Confirmation::Declined(code) = &said {
            bail!("the card was declined: {code}");
        }
        let seen = shown(followed.until("placed", watch).await?)?;
        self.paper.hop(
            "confirms the card at the vendor",
            took,
            Some(("placed", seen)),
        );
        self.paper
            .detail("the vendor's webhook told the order; nothing was polled");
        Ok(())
    }

    /// Accept, send for a driver, cook while the driver is on the way.
    async fn cook_and_send(
        &self,
        shop: &Shop,
        ordered: &Ordered,
        followed: &mut Followed,
    ) -> anyhow::Result<String> {
        let paper = &self.paper;
        let owner = Person::owner_of(shop.id.parse().context("the shop's id is no UUID")?);
        let kitchen = Kitchen::new(self.door.open(&owner).await?, &ordered.id);
        self.show(
            followed,
            "the shop's screen shows it",
            "acknowledged",
            kitchen.acknowledge(),
        )
        .await?;
        self.show(followed, "the shop accepts", "accepted", kitchen.accept(10))
            .await?;
        let requested = self.ops.request(&ordered.id).await?;
        paper.hop("ops asks for a driver", requested.took, None);
        let delivery = requested.text("/delivery_id")?.to_owned();
        self.hire().await?;
        let assigned = self.ops.assign(&delivery, &self.driver.to_string()).await?;
        paper.hop("ops assigns the driver", assigned.took, None);
        self.show(
            followed,
            "the shop fires the noodles",
            "fired",
            kitchen.fire(),
        )
        .await?;
        for numbered in ordered
            .lines
            .iter()
            .filter(|numbered| numbered.line.is_bowl)
        {
            for bowl in 1..=numbered.line.quantity {
                let boiled = kitchen.boiled(numbered.number, bowl);
                self.show(followed, "noodles out of the water", "bowl_boiled", boiled)
                    .await?;
                let sealed = kitchen.sealed(numbered.number, bowl);
                self.show(followed, "bowl sealed, broth apart", "bowl_sealed", sealed)
                    .await?;
            }
        }
        let arrived = self.courier.arrive(&delivery, "pickup").await?;
        paper.hop("the driver is at the shop", arrived.took, None);
        self.show(
            followed,
            "everything is on the counter",
            "ready",
            kitchen.ready(),
        )
        .await?;
        Ok(delivery)
    }

    /// Does a hop, waits for the event that shows it, and prints both times.
    async fn show(
        &self,
        followed: &mut Followed,
        what: &str,
        event: &str,
        call: impl Future<Output = Result<Answer, CallError>>,
    ) -> anyhow::Result<()> {
        let (answer, seen) = followed.hop(call).await.with_context(|| what.to_owned())?;
        self.paper
            .hop(what, answer.took, Some((event, shown(seen)?)));
        Ok(())
    }

    /// The same for what reaches the order by way of its delivery.
    async fn show_state(
        &self,
        followed: &mut Followed,
        what: &str,
        state: &str,
        call: impl Future<Output = Result<Answer, CallError>>,
    ) -> anyhow::Result<()> {
        let hop = followed.hop_to(state, call).await;
        let (answer, seen) = hop.with_context(|| what.to_owned())?;
        self.paper
            .hop(what, answer.took, Some((state, shown(seen)?)));
        Ok(())
    }

    /// Enters the driver into the books; the second demo finds the driver there.
    async fn hire(&self) -> anyhow::Result<()> {
        let registered = self
            .courier
            .register("Demo Driver", "+886912345678", "scooter")
            .await;
        match registered {
            Ok(answer) => self
                .paper
                .hop("a driver enters the books", answer.took, None),
            Err(fault) if fault.status() == Some(409) => return Ok(()),
            Err(fault) => return Err(fault).context("the driver cannot be registered"),
        }
        let approved = self.ops.approve(&self.driver.to_string()).await?;
        self.paper
            .hop("ops approves the driver", approved.took, None);
        Ok(())
    }

    async fn bring(
        &self,
        ordered: &Ordered,
        delivery: &str,
        followed: &mut Followed,
    ) -> anyhow::Result<()> {
        let paper = &self.paper;
        let verified = self.courier.verify(delivery).await?;
        paper.hop(
            "the driver checks seal, broth, bags and toppings",
            verified.took,
            None,
        );
        let picked = self.courier.pick_up(delivery);
        self.show_state(followed, "the driver takes the bag", "picked_up", picked)
            .await?;
        let departed = self.courier.depart(delivery).await?;
        paper.hop("the driver sets off", departed.took, None);
        let arrived = self.courier.arrive(delivery, "dropoff").await?;
        paper.hop("the driver is at the door", arrived.took, None);
        let code = self.customer.door_code(&ordered.id).await?;
        let proved = self.courier.prove(delivery, &code);
        self.show_state(followed, "the guest says the code", "delivered", proved)
            .await?;
        Ok(())
    }

    fn slowest(&self) {
        let all = self.door.api().latencies().all();
        if let Some((name, all)) = all.iter().max_by_key(|(_, all)| all.longest) {
            Paper::line(format!("slowest call: {name}, {}", millis(all.longest)));
        }
    }
}

fn shown(seen: Seen) -> anyhow::Result<Duration> {
    match seen {
        Seen::After(span) => Ok(span),
        Seen::Ended(event) => bail!("the order ended by '{event}'"),
    }
}

fn describe(line: &Line) -> String {
    let options: Vec<&str> = line
        .options
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|option| option["option"].as_str())
        .collect();
    let item = line.item.replace('_', " ");
    if options.is_empty() {
        item
    } else {
        format!("{item} ({})", options.join(", "))
    }
}

fn label(line: &serde_json::Value) -> Option<String> {
    let label = &line["label"];
    label
        .as_str()
        .or_else(|| label["en"].as_str())
        .map(str::to_owned)
}
