//! Places on the earth: points, distances, and the polygons of delivery zones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::collect::Collect;
use super::fault::{Faults, Pointer};

/// Micro-degrees in a degree; one is at most 11 cm.
const MICRO: f64 = 1_000_000.0;

/// The mean radius of the earth in metres (IUGG R₁).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point by WGS 84 latitude and longitude, kept in micro-degrees so that equality is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Degrees", into = "Degrees")]
pub struct GeoPoint {
    lat: i32,
    lon: i32,
}

/// A point as JSON has it: degrees as numbers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Degrees {
    /// Latitude, −90 to 90.
    #[schema(minimum = -90, maximum = 90, example = 35.6595)]
    lat: f64,
    /// Longitude, −180 to 180.
    #[schema(minimum = -180, maximum = 180, example = 139.7005)]
    lon: f64,
}

impl utoipa::PartialSchema for GeoPoint {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        Degrees::schema()
    }
}

impl ToSchema for GeoPoint {}

/// The numbers are no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees")]
pub struct PlaceOutOfRange;

impl GeoPoint {
    /// A point by degrees, rounded to micro-degrees.
    ///
    /// # Errors
    /// [`PlaceOutOfRange`] when a number is not finite or out of range.
    pub fn parse(lat: f64, lon: f64) -> Result<Self, PlaceOutOfRange> {
        Ok(Self {
            lat: micro(lat, 90.0)?,
            lon: micro(lon, 180.0)?,
        })
    }

    /// Latitude in degrees.
    pub fn lat(self) -> f64 {
        f64::from(self.lat) / MICRO
    }

    /// Longitude in degrees.
    pub fn lon(self) -> f64 {
        f64::from(self.lon) / MICRO
    }

    /// Great-circle distance in whole metres (haversine on a sphere; within 0.6 % of the ellipsoid).
    pub fn distance_m(self, other: Self) -> u32 {
        let (from, to) = (self.lat().to_radians(), other.lat().to_radians());
        let half_lat = (to - from) / 2.0;
        let half_lon = (other.lon() - self.lon()).to_radians() / 2.0;
        let chord = half_lat.sin().powi(2) + from.cos() * to.cos() * half_lon.sin().powi(2);
        let metres = 2.0 * EARTH_RADIUS_M * chord.clamp(0.0, 1.0).sqrt().asin();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to half round the earth"
        )]
        let whole = metres.round() as u32;
        whole
    }
}

fn micro(degrees: f64, most: f64) -> Result<i32, PlaceOutOfRange> {
    if !degrees.is_finite() || degrees.abs() > most {
        return Err(PlaceOutOfRange);
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 180 million")]
    let micro = (degrees * MICRO).round() as i32;
    Ok(micro)
}

impl TryFrom<Degrees> for GeoPoint {
    type Error = PlaceOutOfRange;

    fn try_from(degrees: Degrees) -> Result<Self, Self::Error> {
        Self::parse(degrees.lat, degrees.lon)
    }
}

impl From<GeoPoint> for Degrees {
    fn from(point: GeoPoint) -> Self {
        Self {
            lat: point.lat(),
            lon: point.lon(),
        }
    }
}

/// How many corners a zone may have.
const CORNERS: std::ops::RangeInclusive<usize> = 3..=512;
/// Faults of one outline that are told; a scribble has a hundred thousand.
const ERRORS_MAX: usize = 20;

/// The outline of a zone: 3 to 512 corners, closed by itself, not crossing itself, not across the 180th meridian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(try_from = "Vec<GeoPoint>", into = "Vec<GeoPoint>")]
#[schema(value_type = Vec<GeoPoint>, min_items = 3, max_items = 512)]
pub struct Polygon(Vec<GeoPoint>);

/// Why corners make no polygon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolygonError {
    /// Fewer than 3 or more than 512 corners.
    #[error("a polygon has 3 to 512 corners, not {0}")]
    CornerCount(usize),
    /// A corner stands twice in a row or again later.
    #[error("corner {0} stands there twice")]
    Repeated(usize),
    /// Two sides cross or touch.
    #[error("the sides after corners {0} and {1} cross")]
    Crossing(usize, usize),
    /// A side spans half the globe or more.
    #[error("the side after corner {0} spans 180 degrees or more")]
    TooWide(usize),
    /// All corners on one line.
    #[error("the polygon has no area")]
    Flat,
}

impl PolygonError {
    /// The corner at which it shows, when it shows at one.
    fn corner(self) -> Option<usize> {
        match self {
            Self::CornerCount(_) | Self::Flat => None,
            Self::Repeated(corner) | Self::TooWide(corner) | Self::Crossing(_, corner) => {
                Some(corner)
            }
        }
    }
}

impl Polygon {
    /// Takes corners in either direction; a last one equal to the first is dropped.
    ///
    /// # Errors
    /// [`PolygonError`] by the first rule that they break.
    pub fn parse(corners: Vec<GeoPoint>) -> Result<Self, PolygonError> {
        Self::check(corners).map_err(|errors| errors.0)
    }

    /// As [`Polygon::parse`], but with every rule that is broken, the first apart.
    fn check(mut corners: Vec<GeoPoint>) -> Result<Self, (PolygonError, Vec<PolygonError>)> {
        if corners.len() > 1 && corners.first() == corners.last() {
            corners.pop();
        }
        let polygon = Self(corners);
        let mut errors = polygon.errors().into_iter();
        match errors.next() {
            None => Ok(polygon),
            Some(first) => Err((first, errors.take(ERRORS_MAX).collect())),
        }
    }

    /// Everything that is wrong; of crossings, only where no corner stands twice.
    fn errors(&self) -> Vec<PolygonError> {
        let corners = &self.0;
        if !CORNERS.contains(&corners.len()) {
            return vec![PolygonError::CornerCount(corners.len())];
        }
        let mut seen = std::collections::HashSet::new();
        let mut errors: Vec<PolygonError> = (0..corners.len())
            .filter(|index| !seen.insert(corners[*index]))
            .map(PolygonError::Repeated)
            .collect();
        let sides: Vec<_> = self.sides().collect();
        let wide = |(a, b): &(GeoPoint, GeoPoint)| a.lon.abs_diff(b.lon) >= 180_000_000;
        let wide = (0..sides.len()).filter(|index| wide(&sides[*index]));
        errors.extend(wide.map(PolygonError::TooWide));
        let mut turns = sides.iter().zip(corners.iter().cycle().skip(2));
        if turns.all(|((a, b), c)| turn(*a, *b, *c) == 0) {
            errors.push(PolygonError::Flat);
        }
        if errors.is_empty() {
            errors.extend(crossings(&sides).take(ERRORS_MAX));
        }
        errors
    }

    /// The corners, each once.
    pub fn corners(&self) -> &[GeoPoint] {
        &self.0
    }

    /// Whether a point is inside or on the outline. Exact: integers only.
    pub fn contains(&self, point: GeoPoint) -> bool {
        let mut inside = false;
        for (a, b) in self.sides() {
            if turn(a, b, point) == 0 && between(a, b, point) {
                return true;
            }
            // A ray to the east crosses the side when its ends lie on both sides of the point's latitude.
            if (a.lat > point.lat) != (b.lat > point.lat) {
                let upward = b.lat > a.lat;
                if (turn(a, b, point) > 0) == upward {
                    inside = !inside;
                }
            }
        }
        inside
    }

    fn sides(&self) -> impl Iterator<Item = (GeoPoint, GeoPoint)> {
        let next = self.0.iter().cycle().skip(1);
        self.0.iter().copied().zip(next.copied())
    }
}

/// The pairs of sides that meet where they should not.
fn crossings(sides: &[(GeoPoint, GeoPoint)]) -> impl Iterator<Item = PolygonError> {
    let last = sides.len() - 1;
    let pairs =
        (0..sides.len()).flat_map(move |one| (one + 1..=last).map(move |other| (one, other)));
    pairs.filter_map(move |(one, other)| {
        let neighbours = other == one + 1 || (one == 0 && other == last);
        let meet = if neighbours { fold_back } else { cross };
        meet(sides[one], sides[other]).then_some(PolygonError::Crossing(one, other))
    })
}

/// Twice the signed area of a, b, c: positive when c is to the left of a → b.
fn turn(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> i128 {
    let along = |from: i32, to: i32| i128::from(to) - i128::from(from);
    along(a.lon, b.lon) * along(a.lat, c.lat) - along(a.lat, b.lat) * along(a.lon, c.lon)
}

/// Whether c, known to be on the line through a and b, lies between them.
fn between(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> bool {
    let within = |x: i32, y: i32, z: i32| x.min(y) <= z && z <= x.max(y);
    within(a.lat, b.lat, c.lat) && within(a.lon, b.lon, c.lon)
}

/// Whether two sides without a common corner meet anywhere.
fn cross((a, b): (GeoPoint, GeoPoint), (c, d): (GeoPoint, GeoPoint)) -> bool {
    let (abc, abd) = (turn(a, b, c).signum(), turn(a, b, d).signum());
    let (cda, cdb) = (turn(c, d, a).signum(), turn(c, d, b).signum());
    (abc * abd < 0 && cda * cdb < 0)
        || (abc == 0 && between(a, b, c))
        || (abd == 0 && between(a, b, d))
        || (cda == 0 && between(c, d, a))
        || (cdb == 0 && between(c, d, b))
}

/// Whether two sides that share a corner lie on each other.
fn fold_back((a, b): (GeoPoint, GeoPoint), (c, d): (GeoPoint, GeoPoint)) -> bool {
    // Either b = c (d follows) or a = d (the last side meets the first).
    let (before, corner, after) = if b == c { (a, b, d) } else { (c, a, b) };
    turn(before, corner, after) == 0
        && (between(before, corner, after) || between(corner, after, before))
}

impl TryFrom<Vec<GeoPoint>> for Polygon {
    type Error = PolygonError;

    fn try_from(corners: Vec<GeoPoint>) -> Result<Self, Self::Error> {
        Self::parse(corners)
    }
}

impl From<Polygon> for Vec<GeoPoint> {
    fn from(polygon: Polygon) -> Self {
        polygon.0
    }
}

super::collect::leaf!(GeoPoint => "place_out_of_range");

impl Collect for Polygon {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let corners = Vec::<GeoPoint>::collect(value, at, faults)?;
        let (first, more) = match Self::check(corners) {
            Ok(polygon) => return Some(polygon),
            Err(errors) => errors,
        };
        for error in std::iter::once(first).chain(more) {
            let at = error
                .corner()
                .map_or_else(|| at.clone(), |corner| at.at(corner));
            faults.add("polygon_refused", &at, error.to_string());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lat: f64, lon: f64) -> GeoPoint {
        GeoPoint::parse(lat, lon).unwrap()
    }

    fn ring(corners: &[(f64, f64)]) -> Result<Polygon, PolygonError> {
        Polygon::parse(corners.iter().map(|(lat, lon)| point(*lat, *lon)).collect())
    }

    #[test]
    fn only_places_on_earth_are_read() {
        for bad in [
            r#"{"lat":91,"lon":0}"#,
            r#"{"lat":0,"lon":-180.1}"#,
            r#"{"lat":"1","lon":0}"#,
            r#"{"lat":0}"#,
        ] {
            assert!(serde_json::from_str::<GeoPoint>(bad).is_err(), "{bad}");
        }
        assert!(
            GeoPoint::parse(f64::NAN, 0.0).is_err() && GeoPoint::parse(0.0, f64::INFINITY).is_err()
        );
        let json = serde_json::to_string(&point(35.659_482_6, 139.7)).unwrap();
        assert_eq!(json, r#"{"lat":35.659483,"lon":139.7}"#);
    }

    #[test]
    fn tokyo_to_osaka_is_some_four_hundred_kilometres() {
        let metres = point(35.681_236, 139.767_125).distance_m(point(34.702_485, 135.495_951));
        assert!((402_000..405_000).contains(&metres), "{metres}");
        assert_eq!(point(0.0, 0.0).distance_m(point(0.0, 180.0)), 20_015_114);
    }

    #[test]
    fn an_l_shaped_zone_knows_its_inside_and_its_edge() {
        let zone = ring(&[
            (0.0, 0.0),
            (0.0, 4.0),
            (2.0, 4.0),
            (2.0, 2.0),
            (4.0, 2.0),
            (4.0, 0.0),
            (0.0, 0.0),
        ])
        .unwrap();
        assert_eq!(zone.corners().len(), 6);
        for inside in [
            (1.0, 3.0),
            (3.0, 1.0),
            (0.0, 0.0),
            (2.0, 3.0),
            (4.0, 1.0),
            (2.0, 2.0),
        ] {
            assert!(zone.contains(point(inside.0, inside.1)), "{inside:?}");
        }
        for outside in [
            (3.0, 3.0),
            (-0.000_001, 1.0),
            (5.0, 1.0),
            (2.000_001, 2.000_001),
        ] {
            assert!(!zone.contains(point(outside.0, outside.1)), "{outside:?}");
        }
    }

    #[test]
    fn rings_that_are_no_outline_are_refused() {
        assert_eq!(
            ring(&[(0.0, 0.0), (1.0, 1.0)]),
            Err(PolygonError::CornerCount(2))
        );
        assert_eq!(
            ring(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]),
            Err(PolygonError::Crossing(0, 2))
        );
        assert_eq!(
            ring(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]),
            Err(PolygonError::Flat)
        );
        assert_eq!(
            ring(&[(0.0, 0.0), (0.0, 2.0), (0.0, 1.0), (1.0, 1.0)]),
            Err(PolygonError::Crossing(0, 1))
        );
        assert_eq!(
            ring(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)]),
            Err(PolygonError::Repeated(3))
        );
        assert_eq!(
            ring(&[(0.0, -170.0), (0.0, 170.0), (5.0, 0.0)]),
            Err(PolygonError::TooWide(0))
        );
    }
}
