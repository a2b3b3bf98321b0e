//! One row for each shop: what its page, the search and the kitchen need to know of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::kernel::geo::Polygon;
use domain::kernel::ids::{DeviceId, PrincipalId};
use domain::restaurant::restaurant::{Registration, RestaurantEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::{document, name_of};

/// Shops in every stage; readers choose.
#[derive(Debug)]
pub(crate) struct Restaurants;

/// A collection without shapes: a shop that delivers nowhere.
const NO_ZONES: &str = "GEOMETRYCOLLECTION EMPTY";

row! {
    /// A shop.
    RestaurantRow in "restaurants" key restaurant_id {
        /// The shop.
        restaurant_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// `draft`, `submitted`, `live`, `suspended` or `closed`.
        stage: String,
        /// Its name.
        name: String,
        /// Whose it is.
        owner_id: Option<Uuid>,
        /// IANA zone.
        time_zone: String,
        /// ISO 4217 code.
        currency: String,
        /// ISO 3166 code.
        country: String,
        /// City.
        city: String,
        /// Public address.
        address_text: String,
        /// Public telephone.
        phone: Option<String>,
        /// Latitude in degrees.
        lat: f64,
        /// Longitude in degrees.
        lon: f64,
        /// Style names.
        styles: Doc<Vec<String>>,
        /// Whether accepted orders are fired without a tap.
        auto_fire: bool,
        /// Where it was imported from.
        source: Option<Doc<Value>>,
        /// Weekly hours and exceptions.
        hours: Option<Doc<Value>>,
        /// Zones with fee, minimum and minutes.
        zones: Doc<Vec<Value>>,
        /// The zones' polygons in the same order, as WKT.
        zone_shapes: String,
        /// Commercial terms.
        terms: Option<Doc<Value>>,
        /// What its kitchen can do.
        capacity: Option<Doc<Value>>,
        /// Whether it takes no orders for now.
        paused: bool,
        /// Why not.
        pause_reason: Option<String>,
        /// What sort of pause it is.
        pause_kind: Option<String>,
        /// Until when; none means until somebody resumes it.
        paused_until: Option<DateTime<Utc>>,
        /// Who works there: sealed name, role, account.
        staff: Doc<BTreeMap<Uuid, Value>>,
        /// Names of its devices.
        devices: Doc<BTreeMap<Uuid, String>>,
        /// Which of them are there since when, or were last heard when.
        device_signs: Doc<BTreeMap<Uuid, Value>>,
        /// Why it was suspended or closed.
        stage_reason: Option<String>,
        /// When the last event was stored.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Restaurants {
    const ANCHOR: bool = true;
    const REMEMBERED: bool = false;
    type Event = RestaurantEvent;
    type Row = RestaurantRow;

    fn fold(
        row: Option<RestaurantRow>,
        event: &Recorded<RestaurantEvent>,
    ) -> Result<Change<RestaurantRow>, FoldError> {
        if let RestaurantEvent::Registered(shop) = &event.event {
            return Ok(Change::Put(registered(event, shop)?));
        }
        let mut row = row.ok_or(FoldError::NotOpened {
            event: event.event.name(),
        })?;
        row.updated_at = event.recorded_at;
        step(&mut row, &event.event)?;
        Ok(Change::Put(row))
    }
}

fn registered(
    event: &Recorded<RestaurantEvent>,
    shop: &Registration,
) -> Result<RestaurantRow, FoldError> {
    Ok(RestaurantRow {
        restaurant_id: event.stream,
        sequence: 0,
        stage: "draft".to_owned(),
        name: shop.name.as_str().to_owned(),
        owner_id: shop.owner.map(PrincipalId::uuid),
        time_zone: name_of(&shop.time_zone)?,
        currency: name_of(&shop.currency)?,
        country: name_of(&shop.country)?,
        city: shop.city.as_str().to_owned(),
        address_text: shop.address_text.as_str().to_owned(),
        phone: shop.phone.as_ref().map(name_of).transpose()?,
        lat: shop.location.lat(),
        lon: shop.location.lon(),
        styles: Doc(shop.styles.iter().map(name_of).collect::<Result<_, _>>()?),
        auto_fire: shop.auto_fire,
        source: shop.source.as_ref().map(document).transpose()?.map(Doc),
        hours: None,
        zones: Doc(Vec::new()),
        zone_shapes: NO_ZONES.to_owned(),
        terms: None,
        capacity: None,
        paused: false,
        pause_reason: None,
        pause_kind: None,
        paused_until: None,
        staff: Doc(BTreeMap::new()),
        devices: Doc(BTreeMap::new()),
        device_signs: Doc(BTreeMap::new()),
        stage_reason: None,
        updated_at: event.recorded_at,
    })
}

fn step(row: &mut RestaurantRow, event: &RestaurantEvent) -> Result<(), FoldError> {
    match event {
        RestaurantEvent::Registered(_) => {}
        RestaurantEvent::ProfileUpdated {
            name,
            styles,
            auto_fire,
        } => {
            if let Some(name) = name {
                name.as_str().clone_into(&mut row.name);
            }
            if let Some(styles) = styles {
                row.styles = Doc(styles.iter().map(name_of).collect::<Result<_, _>>()?);
            }
            row.auto_fire = auto_fire.unwrap_or(row.auto_fire);
        }
        RestaurantEvent::HoursSet { hours } => row.hours = Some(Doc(document(hours)?)),
        RestaurantEvent::ZonesSet { zones } => {
            row.zones = Doc(zones.iter().map(document).collect::<Result<_, _>>()?);
            row.zone_shapes = shapes(zones.iter().map(|zone| &zone.polygon));
        }
        RestaurantEvent::TermsSet { terms } => row.terms = Some(Doc(document(terms)?)),
        RestaurantEvent::CapacitySet { capacity } => {
            row.capacity = capacity.as_ref().map(document).transpose()?.map(Doc);
        }
        RestaurantEvent::Submitted => enter(row, "submitted", None),
        RestaurantEvent::Approved => enter(row, "live", None),
        RestaurantEvent::Suspended { reason } => enter(row, "suspended", Some(reason.as_str())),
        RestaurantEvent::Closed { reason } => enter(row, "closed", Some(reason.as_str())),
        RestaurantEvent::Paused {
            reason,
            until,
            kind,
        } => {
            row.paused = true;
            row.pause_reason = Some(reason.as_str().to_owned());
            row.pause_kind = Some(name_of(kind)?);
            row.paused_until = *until;
        }
        RestaurantEvent::Resumed => {
            row.paused = false;
            row.pause_reason = None;
            row.pause_kind = None;
            row.paused_until = None;
        }
        RestaurantEvent::StaffAdded {
            staff,
            name,
            role,
            principal,
        } => {
            let member = json!({
                "name": document(name)?,
                "role": name_of(role)?,
                "principal": principal.map(PrincipalId::uuid),
            });
            row.staff.0.insert(staff.uuid(), member);
        }
        RestaurantEvent::StaffRemoved { staff } => {
            row.staff.0.remove(&staff.uuid());
        }
        RestaurantEvent::DeviceAdded { device, name } => {
            row.devices
                .0
                .insert(device.uuid(), name.as_str().to_owned());
        }
        RestaurantEvent::DeviceRemoved { device } => {
            row.devices.0.remove(&device.uuid());
            row.device_signs.0.remove(&device.uuid());
        }
        RestaurantEvent::DeviceHeard { device, at } => sign(row, *device, true, *at)?,
        RestaurantEvent::DeviceMissed {
            device,
            silent_for,
            at,
        } => sign(row, *device, false, *at - silent_for.span())?,
    }
    Ok(())
}

/// A device is there since then, or was last heard then.
fn sign(
    row: &mut RestaurantRow,
    device: DeviceId,
    here: bool,
    at: DateTime<Utc>,
) -> Result<(), FoldError> {
    let sign = json!({ "here": here, "at": document(&at)? });
    row.device_signs.0.insert(device.uuid(), sign);
    Ok(())
}

fn enter(row: &mut RestaurantRow, stage: &str, reason: Option<&str>) {
    stage.clone_into(&mut row.stage);
    row.stage_reason = reason.map(str::to_owned);
}

/// One WKT collection of closed rings, longitude first.
fn shapes<'a>(polygons: impl Iterator<Item = &'a Polygon>) -> String {
    let rings: Vec<String> = polygons
        .map(|polygon| {
            let corners = polygon.corners();
            let ring: Vec<String> = corners
                .iter()
                .chain(corners.first())
                .map(|corner| format!("{} {}", corner.lon(), corner.lat()))
                .collect();
            format!("POLYGON(({}))", ring.join(","))
        })
        .collect();
    if rings.is_empty() {
        NO_ZONES.to_owned()
    } else {
        format!("GEOMETRYCOLLECTION({})", rings.join(","))
    }
}
