//! Opens a shop through the public API, as an owner and the platform's staff would: register, hours,
//! zones, terms, menu, stock, submit, approve. Repeating it changes nothing; a shop that an earlier
//! run left half open is completed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::market::Market;
use crate::client::{Answer, CallError, Door, Person, Session};

/// Everything needed to sell from a shop.
#[derive(Debug)]
pub(crate) struct ShopPlan {
    /// The shop's id; derived from its source, so that a repeat finds it.
    pub(crate) id: Uuid,
    /// The name on the sign.
    pub(crate) name: String,
    /// Where it sells.
    pub(crate) market: &'static Market,
    /// City.
    pub(crate) city: String,
    /// Public address in one line.
    pub(crate) address: String,
    /// Degrees north.
    pub(crate) lat: f64,
    /// Degrees east.
    pub(crate) lon: f64,
    /// Source and the source's own id.
    pub(crate) source: (&'static str, String),
    /// Public telephone, as it is written there.
    pub(crate) phone: Option<String>,
    /// Whether accepted orders are fired without a tap.
    pub(crate) auto_fire: bool,
    /// Styles sold.
    pub(crate) styles: Vec<String>,
    /// Body of `PUT …/hours`.
    pub(crate) hours: Value,
    /// Body of `PUT …/zones`.
    pub(crate) zones: Value,
    /// Body of `PUT …/menu`.
    pub(crate) menu: Value,
    /// Body of `PUT …/stock`.
    pub(crate) stock: Value,
}

/// What a call of [`open`] found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The shop was not there.
    Created,
    /// It was there and not yet live.
    Completed,
    /// It was live; its documents were compared and the moved ones replaced.
    Updated,
    /// It was live and as planned.
    Unchanged,
}

/// Opens the shop, or completes or updates the one that is there. The owner does what an owner
/// does; staff set the terms and approve.
///
/// # Errors
/// The first refusal, with every fault that the API names.
pub(crate) async fn open(door: &Door, ops: &Session, plan: &ShopPlan) -> anyhow::Result<Opened> {
    let owner = door.open(&Person::owner_of(plan.id)).await?;
    Ok(Opening {
        owner: &owner,
        ops,
        plan,
        path: format!("/v1/restaurants/{}", plan.id),
    }
    .run()
    .await?)
}

/// One shop on its way to be live.
struct Opening<'shop> {
    owner: &'shop Session,
    ops: &'shop Session,
    plan: &'shop ShopPlan,
    path: String,
}

/// The version of a menu that was never published.
const NO_MENU: &str = "\"0\"";

impl Opening<'_> {
    async fn run(&self) -> Result<Opened, CallError> {
        match self.owner.get("shop: read", &self.path).await {
            Ok(found) => match found.body["stage"].as_str() {
                Some("draft" | "submitted") => {
                    self.complete(found.version).await?;
                    Ok(Opened::Completed)
                }
                Some("live") => self.update(&found).await,
                // Staff have stopped this shop for a reason; no import starts it again.
                Some(_) | None => Ok(Opened::Unchanged),
            },
            Err(fault) if fault.status() == Some(404) => {
                let body = register(self.plan);
                let registered = self
                    .owner
                    .post("shop: register", "/v1/restaurants", &body)
                    .await?;
                self.complete(registered.version).await?;
                Ok(Opened::Created)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn complete(&self, version: Option<String>) -> Result<(), CallError> {
        let Self {
            owner, ops, plan, ..
        } = self;
        let (hours, zones) = (self.at("hours"), self.at("zones"));
        let set = owner
            .put("shop: hours", &hours, &plan.hours, version.as_deref())
            .await?;
        owner
            .put("shop: zones", &zones, &plan.zones, set.version.as_deref())
            .await?;
        let terms = plan.market.terms(&plan.name);
        ops.put("shop: terms", &self.at("terms"), &terms, None)
            .await?;
        self.publish().await?;
        owner
            .put("shop: stock", &self.at("stock"), &plan.stock, None)
            .await?;
        owner
            .post("shop: submit", &self.at("submit"), &json!({}))
            .await?;
        ops.post("shop: approve", &self.at("approve"), &json!({}))
            .await?;
        Ok(())
    }

    /// Publishes the menu where there is none; one that is there is the shop's own.
    async fn publish(&self) -> Result<(), CallError> {
        let menu = self.at("menu");
        let published = self
            .owner
            .put("shop: menu", &menu, &self.plan.menu, Some(NO_MENU))
            .await;
        match published {
            Err(fault) if fault.status() == Some(412) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn update(&self, found: &Answer) -> Result<Opened, CallError> {
        let plan = self.plan;
        if found.body["hours"] == plan.hours && found.body["name"] == *plan.name {
            return Ok(Opened::Unchanged);
        }
        let profile = json!({ "name": plan.name, "styles": plan.styles });
        let profile = self
            .owner
            .patch("shop: profile", &self.path, &profile)
            .await?;
        let version = profile.version.as_deref();
        self.owner
            .put("shop: hours", &self.at("hours"), &plan.hours, version)
            .await?;
        Ok(Opened::Updated)
    }

    fn at(&self, part: &str) -> String {
        format!("{}/{part}", self.path)
    }
}

fn register(plan: &ShopPlan) -> Value {
    json!({
        "id": plan.id,
        "name": plan.name,
        "owner": Person::owner_of(plan.id).id,
        "time_zone": plan.market.time_zone,
        "currency": plan.market.currency,
        "country": plan.market.country,
        "city": plan.city,
        "address_text": plan.address,
        "location": { "lat": plan.lat, "lon": plan.lon },
        "styles": plan.styles,
        "source": { "source": plan.source.0, "source_id": plan.source.1 },
        "phone": plan.phone,
        "auto_fire": plan.auto_fire,
    })
}
