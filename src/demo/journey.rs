//! One bowl from cart to door, told hop by hop.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use domain::kernel::hours::WeeklyHours;
use domain::kernel::time::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use super::choose;
use super::market::{away, market_of};
use super::paper::{Paper, millis, money};
use crate::client::{
    Answer, CallError, CardForm, Confirmation, Courier, Customer, Dispatcher, Door, Followed,
    Kitchen, Line, Person, Role, Seen, Session,
};

/// How far from the shop the guest lives, in metres.
const TO_THE_DOOR_M: f64 = 900.0;
/// How far the guest searches, in metres.
const SEARCH_M: u32 = 5_000;
/// What the guest searches for.
const WORDS: &str = "tonkotsu";

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

/// The shop that was found, with its menu.
struct Shop {
    id: String,
    name: String,
    country: String,
    at: (f64, f64),
    menu: Value,
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
        let shop = self.find_shop().await?;
        let ordered = self.order(&shop).await?;
        self.paper
            .heading("The order is paid and followed by its events");
        let mut followed = self.follow(&ordered).await?;
        self.pay(&ordered, &mut followed).await?;
        self.paper.heading("The shop cooks, a driver comes");
        let delivery = self.cook_and_send(&shop, &ordered, &mut followed).await?;
        self.paper.heading("The bowl travels");
        self.bring(&ordered, &delivery, &mut followed).await?;
        self.paper.heading("What happened, by the shop's clock");
        self.tell(&ordered).await
    }

    async fn find_shop(&self) -> anyhow::Result<Shop> {
        let visitor = self.door.api().visitor();
        let (lat, lon) = self.near;
        let path = format!("/v1/search?q={WORDS}&near={lat},{lon}&radius_m={SEARCH_M}&limit=100");
        let found = visitor
            .get("search", &path)
            .await
            .context("the search failed")?;
        let hits = found.list("/hits");
        self.paper
            .hop(&format!("searches for {WORDS} nearby"), found.took, None);
        self.paper.detail(format!(
            "{} dishes and shops within {SEARCH_M} m",
            found.body["total"]
        ));
        let mut asked: Vec<&str> = Vec::new();
        for id in hits
            .iter()
            .filter_map(|hit| hit["restaurant"]["id"].as_str())
        {
            if asked.contains(&id) {
                continue;
            }
            asked.push(id);
            let shop = visitor
                .get("shop: read", &format!("/v1/restaurants/{id}"))
                .await?;
            if is_open(&shop.body, self.door.api().clock().now()) {
                return self.enter(&visitor, id, &shop).await;
            }
            self.paper
                .detail(format!("{} is closed now", shop.text("/name")?));
        }
        bail!("no shop within {SEARCH_M} m of {lat},{lon} is open now; try --near elsewhere");
    }

    async fn enter(&self, visitor: &Session, id: &str, shop: &Answer) -> anyhow::Result<Shop> {
        let name = shop.text("/name")?.to_owned();
        self.paper.hop(&format!("chooses {name}"), shop.took, None);
        let menu = visitor
            .get("menu: read", &format!("/v1/restaurants/{id}/menu"))
            .await?;
        self.paper.hop("reads the menu", menu.took, None);
        let at = shop.body["lat"].as_f64().zip(shop.body["lon"].as_f64());
        Ok(Shop {
            at: at.context("the shop has no position")?,
            country: shop.text("/country")?.to_owned(),
            menu: menu.body,
            id: id.to_owned(),
            name,
        })
    }

    async fn order(&self, shop: &Shop) -> anyhow::Result<Ordered> {
        let cart = self.customer.open_cart(&shop.id).await?;
        self.paper.hop("opens a cart", cart.took, None);
        let cart_id = cart.text("/id")?.to_owned();
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
        let address = address(shop);
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

    async fn tell(&self, ordered: &Ordered) -> anyhow::Result<()> {
        let timeline = self.customer.timeline(&ordered.id).await?;
        let events = timeline.list("/entries");
        for event in events {
            let at = event["happened_at"].as_str().unwrap_or("");
            let name = event["event"].as_str().unwrap_or("").replace('_', " ");
            Paper::line(format!("{at:<28}  {name}"));
        }
        let order = self.customer.order(&ordered.id).await?;
        Paper::line("");
        Paper::line(slurp_clock(&order.body));
        let slowest = self.door.api().latencies().all();
        let slowest = slowest.iter().max_by_key(|(_, all)| all.longest);
        if let Some((name, all)) = slowest {
            Paper::line(format!("slowest hop: {name}, {}", millis(all.longest)));
        }
        Ok(())
    }
}

fn shown(seen: Seen) -> anyhow::Result<Duration> {
    match seen {
        Seen::After(span) => Ok(span),
        Seen::Ended(event) => bail!("the order ended by '{event}'"),
    }
}

/// Whether a shop sells now, by its own hours and clock.
fn is_open(shop: &Value, now: DateTime<Utc>) -> bool {
    let hours: Option<WeeklyHours> = serde_json::from_value(shop["hours"].clone()).ok();
    let zone = shop["time_zone"]
        .as_str()
        .and_then(|zone| TimeZone::parse(zone).ok());
    let is_live = shop["stage"] == "live" && shop["paused"] == false;
    is_live
        && hours
            .zip(zone)
            .is_some_and(|(hours, zone)| hours.is_open(zone, now))
}

/// A door some streets from the shop; the person is invented.
fn address(shop: &Shop) -> Value {
    let (lat, lon) = away(shop.at.0, shop.at.1, TO_THE_DOOR_M, 60.0);
    let market = market_of(&shop.country);
    json!({
        "name": "Hungry Guest",
        "phone": market.phone,
        "street": "Noodle Lane 1",
        "city": market.city,
        "country": market.country,
        "pin": { "lat": lat, "lon": lon },
    })
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

fn label(line: &Value) -> Option<String> {
    let label = &line["label"];
    label
        .as_str()
        .or_else(|| label["en"].as_str())
        .map(str::to_owned)
}

/// Whether the bowl was still ramen at the door, by the order's own deadline.
fn slurp_clock(order: &Value) -> String {
    let instant = |field: &str| {
        order[field]
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
    };
    match (instant("slurp_deadline"), instant("delivered_at")) {
        (Some(deadline), Some(delivered)) => {
            let left = deadline - delivered;
            let minutes = left.num_seconds().abs() / 60;
            let seconds = left.num_seconds().abs() % 60;
            if left.num_seconds() >= 0 {
                format!("slurp clock: {minutes} min {seconds} s left at the door. Itadakimasu!")
            } else {
                format!("slurp clock: {minutes} min {seconds} s too late")
            }
        }
        _ => "slurp clock: the order shows none".to_owned(),
    }
}
