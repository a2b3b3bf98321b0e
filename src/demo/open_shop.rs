//! Opens a shop through the public API, as an owner and the platform's staff would: register, hours,
//! zones, terms, menu, stock, submit, approve. Repeating it changes nothing; a shop that an earlier
//! run left half open is completed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::market::Market;
use crate::client::{Answer, CallError, Person, Session};

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

/// Opens the shop, or completes or updates the one that is there.
///
/// # Errors
/// The first refusal, with every fault that the API names.
pub(crate) async fn open(ops: &Session, plan: &ShopPlan) -> Result<Opened, CallError> {
    let path = format!("/v1/restaurants/{}", plan.id);
    match ops.get("shop: read", &path).await {
        Ok(found) if found.body["stage"] == "live" => update(ops, plan, &path, &found).await,
        Ok(found) => {
            complete(ops, plan, &path, found.version).await?;
            Ok(Opened::Completed)
        }
        Err(fault) if fault.status() == Some(404) => {
            let registered = ops
                .post("shop: register", "/v1/restaurants", &register(plan))
                .await?;
            complete(ops, plan, &path, registered.version).await?;
            Ok(Opened::Created)
        }
        Err(fault) => Err(fault),
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
        "auto_fire": plan.auto_fire,
    })
}

async fn complete(
    ops: &Session,
    plan: &ShopPlan,
    path: &str,
    version: Option<String>,
) -> Result<(), CallError> {
    let version = set_documents(ops, plan, path, version).await?;
    let menu = format!("{path}/menu");
    ops.put("shop: menu", &menu, &plan.menu, Some(NO_MENU))
        .await?;
    ops.put("shop: stock", &format!("{path}/stock"), &plan.stock, None)
        .await?;
    drop(version);
    ops.post("shop: submit", &format!("{path}/submit"), &json!({}))
        .await?;
    ops.post("shop: approve", &format!("{path}/approve"), &json!({}))
        .await?;
    Ok(())
}

/// The version of a menu that was never published.
const NO_MENU: &str = "\"0\"";

/// Hours, zones and terms, each under the version that the one before left.
async fn set_documents(
    ops: &Session,
    plan: &ShopPlan,
    path: &str,
    version: Option<String>,
) -> Result<Option<String>, CallError> {
    let terms = plan.market.terms(&plan.name);
    let documents: [(&'static str, &str, &Value); 3] = [
        ("shop: hours", "hours", &plan.hours),
        ("shop: zones", "zones", &plan.zones),
        ("shop: terms", "terms", &terms),
    ];
    let mut version = version;
    for (name, document, body) in documents {
        let path = format!("{path}/{document}");
        let answer: Answer = ops.put(name, &path, body, version.as_deref()).await?;
        version = answer.version;
    }
    Ok(version)
}

async fn update(
    ops: &Session,
    plan: &ShopPlan,
    path: &str,
    found: &Answer,
) -> Result<Opened, CallError> {
    if found.body["hours"] == plan.hours && found.body["name"] == *plan.name {
        return Ok(Opened::Unchanged);
    }
    let profile = json!({ "name": plan.name, "styles": plan.styles, "auto_fire": plan.auto_fire });
    let profile = ops.patch("shop: profile", path, &profile).await?;
    ops.put(
        "shop: hours",
        &format!("{path}/hours"),
        &plan.hours,
        profile.version.as_deref(),
    )
    .await?;
    Ok(Opened::Updated)
}
