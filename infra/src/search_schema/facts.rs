//! What a shop's document keeps for questions that only the hour and the place of asking answer: is it open,
//! does it deliver there, and how long does that take.

use chrono::{DateTime, Utc};
use domain::kernel::bowl::Style;
use domain::kernel::geo::{GeoPoint, Polygon};
use domain::kernel::hours::WeeklyHours;
use domain::kernel::quantity::Minutes;
use domain::kernel::tax::FulfilmentKind;
use domain::kernel::time::TimeZone;
use serde::{Deserialize, Serialize};

/// The facts of a live shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShopFacts {
    /// Where its clock hangs.
    pub time_zone: TimeZone,
    /// When it is open; without hours it never is.
    pub hours: Option<WeeklyHours>,
    /// Where it delivers, the first zone that has a place decides.
    pub zones: Vec<ZoneFacts>,
    /// Why it takes no orders, if it does not.
    pub pause: Option<PauseFacts>,
    /// What its prices are in.
    pub currency: String,
    /// The hours of dishes that are not always sold; a dish names its own by number. All of one must hold.
    #[serde(default)]
    pub sale: Vec<Vec<WeeklyHours>>,
}

/// A delivery zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZoneFacts {
    /// Its outline.
    pub polygon: Polygon,
    /// How long the way takes.
    pub minutes: Minutes,
    /// Styles that are not delivered to all of it, each with where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub style_limits: Vec<StyleFacts>,
}

/// Where in a zone a style is delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StyleFacts {
    /// The style.
    pub style: Style,
    /// Its outline.
    pub polygon: Polygon,
}

impl ZoneFacts {
    /// The styles that are not delivered to a place of the zone.
    pub fn refused_at(&self, place: GeoPoint) -> impl Iterator<Item = Style> {
        let limits = self.style_limits.iter();
        let refused = limits.filter(move |limit| !limit.polygon.contains(place));
        refused.map(|limit| limit.style)
    }
}

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseFacts {
    /// When it ends by itself; none means that somebody must say so.
    pub until: Option<DateTime<Utc>>,
}

/// For how long something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// Whether the shop takes orders.
    pub open: bool,
    /// The first instant for which that is known.
    pub from: DateTime<Utc>,
    /// The first instant for which it is not known any more.
    pub until: DateTime<Utc>,
}

impl Spell {
    /// Whether it says anything of an instant.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&at)
    }
}

impl ShopFacts {
    /// Whether the shop takes orders of a fulfilment at an instant, or of any, and how long from then on that
    /// stays so.
    pub fn spell_at(&self, at: DateTime<Utc>, kind: Option<FulfilmentKind>) -> Spell {
        let end = DateTime::<Utc>::MAX_UTC;
        let spell = |open, until: Option<DateTime<Utc>>| Spell {
            open,
            from: at,
            until: until.unwrap_or(end),
        };
        // Closing for today is a pause until tomorrow's opening.
        if let Some(pause) = self.pause
            && pause.until.is_none_or(|until| at < until)
        {
            return spell(false, pause.until);
        }
        let Some(hours) = &self.hours else {
            return spell(false, None);
        };
        let Some(closes) = hours.closes_at(self.time_zone, at) else {
            return spell(false, hours.next_open(self.time_zone, at));
        };
        let kinds = [FulfilmentKind::Delivery, FulfilmentKind::Pickup];
        let asked = kinds
            .into_iter()
            .filter(|each| kind.is_none_or(|kind| kind == *each));
        let last = asked
            .filter_map(|each| hours.last_order_at(self.time_zone, at, each))
            .max();
        match last {
            Some(last) if at < last => spell(true, Some(last)),
            // Open, and only for those who have ordered.
            Some(_) | None => spell(false, Some(closes)),
        }
    }

    /// Whether dishes of these sale hours are sold at an instant, whether or not the shop is open.
    pub fn is_sold(&self, sale: usize, at: DateTime<Utc>) -> bool {
        let hours = self.sale.get(sale).map(Vec::as_slice).unwrap_or_default();
        hours.iter().all(|hours| hours.is_open(self.time_zone, at))
    }

    /// The zone that a place is in; none when the shop does not deliver there.
    pub fn zone_of(&self, place: GeoPoint) -> Option<&ZoneFacts> {
        self.zones.iter().find(|zone| zone.polygon.contains(place))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn shop(pause: Option<PauseFacts>) -> ShopFacts {
        serde_json::from_value(serde_json::json!({
            "time_zone": "Europe/Berlin",
            "hours": {"days": [
                {"weekday": "sat", "opens": "18:00", "closes": "02:30"},
                {"weekday": "sun", "opens": "12:00", "closes": "14:00"}],
                "exceptions": [{"date": "2026-12-26", "ranges": []}]},
            "zones": [
                {"polygon": [{"lat": 1.0, "lon": 1.0}, {"lat": 1.0, "lon": 2.0}, {"lat": 2.0, "lon": 2.0}], "minutes": 9},
                {"polygon": [{"lat": 0.0, "lon": 0.0}, {"lat": 0.0, "lon": 3.0}, {"lat": 3.0, "lon": 3.0}, {"lat": 3.0, "lon": 0.0}], "minutes": 20}],
            "pause": pause, "currency": "EUR",
            "sale": [[{"days": [{"weekday": "sat", "opens": "18:00", "closes": "20:00"}]}]],
        }))
        .unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn open_is_answered_for_the_instant_past_midnight_and_when_clocks_change() {
        let shop = shop(None);
        let open = |text: &str| shop.spell_at(at(text), None).open;
        assert!(
            open("2026-11-21T23:30:00Z"),
            "half past midnight of Saturday's evening"
        );
        assert!(!open("2026-11-22T01:30:00Z"));
        // The clocks go back at 01:00 UTC: half past two comes twice, and the shop closes the second time.
        assert!(open("2026-10-25T00:45:00Z") && open("2026-10-25T01:29:00Z"));
        assert!(!open("2026-10-25T01:30:00Z"));
        assert!(!open("2026-12-26T19:00:00Z"), "an exception");
    }

    #[test]
    fn a_spell_is_true_to_its_end_and_not_beyond() {
        for pause in [
            None,
            Some(PauseFacts {
                until: Some(at("2026-11-21T20:00:00Z")),
            }),
        ] {
            let shop = shop(pause);
            let mut now = at("2026-11-21T12:00:00Z");
            for _ in 0..8 {
                let spell = shop.spell_at(now, None);
                let last = spell.until - TimeDelta::seconds(1);
                assert_eq!(shop.spell_at(last, None).open, spell.open, "{spell:?}");
                assert!(spell.holds_at(last) && !spell.holds_at(spell.until));
                now = spell.until;
            }
        }
        let forever =
            shop(Some(PauseFacts { until: None })).spell_at(at("2026-11-21T20:00:00Z"), None);
        assert!(!forever.open && forever.holds_at(at("2030-01-01T00:00:00Z")));
    }

    #[test]
    fn a_dish_has_hours_of_its_own() {
        let shop = shop(None);
        let sold = |text: &str| shop.is_sold(0, at(text));
        assert!(sold("2026-11-21T18:59:59Z") && !sold("2026-11-21T19:00:00Z"));
    }

    #[test]
    fn the_last_order_of_each_fulfilment_ends_it() {
        let mut shop = shop(None);
        shop.hours = serde_json::from_value(serde_json::json!({
            "days": [{"weekday": "sat", "opens": "18:00", "closes": "22:00"}],
            "last_order": {"delivery": 45, "pickup": 15}}))
        .unwrap();
        let open = |text: &str, kind| shop.spell_at(at(text), kind).open;
        let (delivery, pickup) = (Some(FulfilmentKind::Delivery), Some(FulfilmentKind::Pickup));
        // It closes at 21:00 UTC.
        assert!(open("2026-11-21T20:14:59Z", delivery) && !open("2026-11-21T20:15:00Z", delivery));
        assert!(open("2026-11-21T20:44:59Z", pickup) && open("2026-11-21T20:44:59Z", None));
        assert!(!open("2026-11-21T20:45:00Z", pickup) && !open("2026-11-21T20:45:00Z", None));
        let over = shop.spell_at(at("2026-11-21T20:50:00Z"), None);
        assert_eq!(
            over.until,
            at("2026-11-21T21:00:00Z"),
            "then it is asked again"
        );
    }

    #[test]
    fn the_first_zone_that_has_the_place_decides() {
        let minutes = |lat, lon| {
            let shop = shop(None);
            let zone = shop.zone_of(GeoPoint::parse(lat, lon).unwrap());
            zone.map(|zone| zone.minutes)
        };
        assert_eq!(minutes(1.2, 1.5), Some(Minutes::new(9)));
        assert_eq!(minutes(2.5, 0.5), Some(Minutes::new(20)));
        assert_eq!(minutes(3.5, 0.5), None);
    }

    #[test]
    fn a_style_may_have_a_smaller_zone() {
        let zone: ZoneFacts = serde_json::from_value(serde_json::json!({
            "minutes": 20,
            "polygon": [{"lat": 0.0, "lon": 0.0}, {"lat": 0.0, "lon": 3.0}, {"lat": 3.0, "lon": 3.0}, {"lat": 3.0, "lon": 0.0}],
            "style_limits": [{"style": "hakata_tonkotsu", "polygon": [
                {"lat": 0.0, "lon": 0.0}, {"lat": 0.0, "lon": 1.0}, {"lat": 1.0, "lon": 1.0}, {"lat": 1.0, "lon": 0.0}]}]}))
        .unwrap();
        let refused = |lat, lon| -> Vec<Style> {
            zone.refused_at(GeoPoint::parse(lat, lon).unwrap())
                .collect()
        };
        assert_eq!(refused(0.5, 0.5), []);
        assert_eq!(refused(2.0, 2.0), [Style::HakataTonkotsu]);
    }
}
