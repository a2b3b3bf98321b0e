//! Outlines of zones against a slow reference, and documents of zones with anything in them.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use domain::kernel::collect::collect;
use domain::kernel::geo::{GeoPoint, Polygon, PolygonError};
use domain::restaurant::restaurant::Zone;
use proptest::prelude::*;
use serde_json::{Value, json};

type Corner = (i64, i64);

/// Corners on a small grid of micro-degrees, so that sides often meet, touch and lie on each other.
fn corners() -> impl Strategy<Value = Vec<Corner>> {
    prop::collection::vec((0..7_i64, 0..7_i64), 3..9)
}

fn polygon(corners: &[Corner]) -> Result<Polygon, PolygonError> {
    let point = |(lat, lon): &Corner| {
        let degrees = |micro: i64| f64::from(i32::try_from(micro).unwrap()) / 1e6;
        GeoPoint::parse(degrees(*lat), degrees(*lon)).unwrap()
    };
    Polygon::parse(corners.iter().map(point).collect())
}

/// Whether two sides have a point in common, by solving for it: `a + t (b − a) = c + u (d − c)` with t and u from 0 to 1
/// as fractions, or for parallel sides by looking at each end.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn meet((a, b): (Corner, Corner), (c, d): (Corner, Corner)) -> bool {
    let (rx, ry, sx, sy) = (b.0 - a.0, b.1 - a.1, d.0 - c.0, d.1 - c.1);
    let (qx, qy) = (c.0 - a.0, c.1 - a.1);
    let det = rx * sy - ry * sx;
    if det == 0 {
        return on(a, (c, d)) || on(b, (c, d)) || on(c, (a, b)) || on(d, (a, b));
    }
    let sign = det.signum();
    let (t, u) = ((qx * sy - qy * sx) * sign, (qx * ry - qy * rx) * sign);
    (0..=det.abs()).contains(&t) && (0..=det.abs()).contains(&u)
}

/// Whether a point is one of a side, found by walking it in steps that meet each point of the grid.
fn on(p: Corner, (a, b): (Corner, Corner)) -> bool {
    let steps = (b.0 - a.0).abs().max(1) * (b.1 - a.1).abs().max(1);
    (0..=steps).any(|step| {
        (p.0 - a.0) * steps == (b.0 - a.0) * step && (p.1 - a.1) * steps == (b.1 - a.1) * step
    })
}

/// Whether corners are an outline: each once, no two sides that share no corner meet, and none folds back on the next.
fn is_outline(corners: &[Corner]) -> bool {
    let count = corners.len();
    let side = |index: usize| (corners[index % count], corners[(index + 1) % count]);
    let once = (0..count).all(|one| !corners[..one].contains(&corners[one]));
    once && (0..count).all(|one| {
        (one + 1..count).all(|other| {
            let follows = other == one + 1;
            if !follows && (one != 0 || other != count - 1) {
                return !meet(side(one), side(other));
            }
            let (first, second) = if follows { (one, other) } else { (other, one) };
            // Neighbours share a corner; more than that only when the far end of one is on the other.
            !on(side(second).1, side(first)) && !on(side(first).0, side(second))
        })
    })
}

fn zone(polygon: &Value) -> Value {
    json!({"key": "near", "polygon": polygon, "fee_minor": 0, "minimum_minor": 0, "minutes": 10})
}

/// Anything that JSON can be, often close to a place.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        (-100.0..100.0_f64, -200.0..200.0_f64)
            .prop_map(|(lat, lon)| json!({"lat": lat, "lon": lon})),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let names = ["lat", "lon", "key", "polygon", "style"];
        let member = (0..names.len(), inner.clone())
            .prop_map(move |(index, value)| (names[index].to_owned(), value));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            prop::collection::vec(member, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_outline_is_what_the_slow_reference_calls_one(corners in corners()) {
        prop_assume!(corners.first() != corners.last());
        prop_assert_eq!(polygon(&corners).is_ok(), is_outline(&corners), "{:?}", corners);
    }

    #[test]
    fn whatever_is_sent_is_read_or_refused_where_it_is_wrong(polygon in anything(), limits in anything()) {
        let mut document = zone(&polygon);
        document["style_limits"] = limits;
        let document = json!([document]);
        match collect::<Vec<Zone>>(&document) {
            Ok(zones) => prop_assert_eq!(zones.len(), 1),
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults.0 {
                    // A member that is missing is named although it is not there.
                    let there = document.pointer(&fault.pointer).is_some();
                    prop_assert!(there || fault.code == "missing", "{:?}", fault);
                }
            }
        }
    }
}

#[test]
fn an_outline_is_refused_with_all_its_faults() {
    let corner = |lat: f64, lon: f64| json!({"lat": lat, "lon": lon});
    // Two hourglasses in one, and a scribble over the 180th meridian with a corner twice.
    let bow = json!([
        corner(0.0, 0.0),
        corner(1.0, 2.0),
        corner(2.0, 0.0),
        corner(2.0, 2.0),
        corner(1.0, 0.0),
        corner(0.0, 2.0)
    ]);
    let wide = json!([
        corner(0.0, 179.0),
        corner(1.0, -179.0),
        corner(0.0, 179.0),
        corner(2.0, 178.0)
    ]);
    let faults = collect::<Vec<Zone>>(&json!([zone(&bow), zone(&wide)])).unwrap_err();
    let told: Vec<_> = faults
        .0
        .iter()
        .map(|fault| fault.pointer.as_str())
        .collect();
    assert!(
        told.iter()
            .filter(|at| at.starts_with("/0/polygon/"))
            .count()
            > 1,
        "{told:?}"
    );
    let wide: Vec<_> = told.iter().filter(|at| at.starts_with("/1")).collect();
    assert_eq!(wide, [&"/1/polygon/2", &"/1/polygon/0", &"/1/polygon/1"]);
}
