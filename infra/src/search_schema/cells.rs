//! Places in the index: square cells as terms for a quick choice, exact distance for what is left.
//!
//! Cells are the tiles of the web map (a grid of 2^zoom × 2^zoom over the Mercator square), because
//! their arithmetic is a few lines and the same everywhere.

/// Zooms at which every place is indexed: cells of about 156, 20 and 5 km at the equator.
const ZOOMS: [u8; 3] = [8, 11, 13];
/// Zooms at which areas are indexed: down to the whole map, so that no area takes many cells.
const AREA_ZOOMS: [u8; 5] = [0, 4, 8, 11, 13];
/// More cells than this in one query cost more than the survivors of the next coarser zoom.
const COVER_CELLS_MAX: u32 = 16;
/// The Mercator square ends here.
const LATITUDE_MAX: f64 = 85.051_128;
/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Metres of one degree along a meridian.
const METRES_PER_DEGREE: f64 = EARTH_RADIUS_M * std::f64::consts::PI / 180.0;

/// A place as one unsigned number, so that one fast field holds it: micro-degrees, latitude high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// Packs a latitude and a longitude in degrees; values outside the globe are brought to its edge.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=360 million micro-degrees, which a u32 holds"
    )]
    pub fn new(lat: f64, lon: f64) -> Self {
        let high = ((lat.clamp(-90.0, 90.0) + 90.0) * 1e6).round() as u32;
        let low = ((lon.clamp(-180.0, 180.0) + 180.0) * 1e6).round() as u32;
        Self(u64::from(high) << 32 | u64::from(low))
    }

    /// Reads the number of a fast field.
    pub fn from_packed(packed: u64) -> Self {
        Self(packed)
    }

    /// The number that goes into the fast field.
    pub fn packed(self) -> u64 {
        self.0
    }

    /// Latitude in degrees.
    pub fn lat(self) -> f64 {
        f64::from(u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)) / 1e6 - 90.0
    }

    /// Longitude in degrees.
    pub fn lon(self) -> f64 {
        f64::from(u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)) / 1e6 - 180.0
    }
}

/// Great-circle distance in metres (haversine).
pub fn distance_m(a: Place, b: Place) -> f64 {
    let (lat_a, lat_b) = (a.lat().to_radians(), b.lat().to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.lon() - a.lon()).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
}

/// The terms of a place, one for each zoom.
pub fn cells_of(lat: f64, lon: f64) -> Vec<String> {
    terms_of(&ZOOMS, lat, lon)
}

fn terms_of(zooms: &[u8], lat: f64, lon: f64) -> Vec<String> {
    zooms
        .iter()
        .map(|zoom| term(*zoom, column(*zoom, lon), row(*zoom, lat)))
        .collect()
}

/// An area between two parallels and two meridians, in degrees, not across the 180th.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Its lowest latitude.
    pub south: f64,
    /// Its lowest longitude.
    pub west: f64,
    /// Its highest latitude.
    pub north: f64,
    /// Its highest longitude.
    pub east: f64,
}

impl Area {
    /// The least area that has all of these places, by latitude and longitude; none for none.
    pub fn around(places: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut places = places.into_iter();
        let (lat, lon) = places.next()?;
        let first = Self {
            south: lat,
            west: lon,
            north: lat,
            east: lon,
        };
        Some(places.fold(first, |area, (lat, lon)| Self {
            south: area.south.min(lat),
            west: area.west.min(lon),
            north: area.north.max(lat),
            east: area.east.max(lon),
        }))
    }

    /// Terms that cover the area, at the finest zoom that needs at most sixteen.
    pub fn cells(&self) -> Vec<String> {
        cover_box(&AREA_ZOOMS, *self)
    }
}

/// The terms of areas in which a place may lie.
pub fn areas_of(lat: f64, lon: f64) -> Vec<String> {
    terms_of(&AREA_ZOOMS, lat, lon)
}

/// Terms whose cells cover the circle, at the finest zoom that needs at most sixteen.
pub fn cover(lat: f64, lon: f64, radius_m: u32) -> Vec<String> {
    let half_lat = f64::from(radius_m) / METRES_PER_DEGREE;
    // The widest parallel of the circle is the one nearest to a pole.
    let widest = (lat.abs() + half_lat).min(89.9).to_radians().cos();
    let half_lon = (half_lat / widest).min(179.9);
    cover_box(
        &ZOOMS,
        Area {
            south: lat - half_lat,
            west: lon - half_lon,
            north: lat + half_lat,
            east: lon + half_lon,
        },
    )
}

/// Cells over an area at the finest of these zooms that needs at most sixteen, or at the coarsest.
fn cover_box(zooms: &[u8], area: Area) -> Vec<String> {
    let mut found = Vec::new();
    for zoom in zooms.iter().rev() {
        let (top, bottom) = (row(*zoom, area.north), row(*zoom, area.south));
        let columns = columns_between(*zoom, area.west, area.east);
        let rows = bottom - top + 1;
        let count = rows.saturating_mul(u32::try_from(columns.len()).unwrap_or(u32::MAX));
        if count <= COVER_CELLS_MAX || Some(zoom) == zooms.first() {
            found = (top..=bottom)
                .flat_map(|y| columns.iter().map(move |x| term(*zoom, *x, y)))
                .collect();
            break;
        }
    }
    found
}

fn term(zoom: u8, x: u32, y: u32) -> String {
    format!("{zoom}:{x}:{y}")
}

/// Columns from west to east, around the antimeridian where needed.
fn columns_between(zoom: u8, west: f64, east: f64) -> Vec<u32> {
    let (first, last) = (column(zoom, west), column(zoom, east));
    let wraps = west < -180.0 || east > 180.0;
    if wraps && last <= first {
        (first..1 << zoom).chain(0..=last).collect()
    } else {
        (first..=last).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the longitude is brought into range, so the column is below 2^zoom"
)]
fn column(zoom: u8, lon: f64) -> u32 {
    let size = f64::from(1_u32 << zoom);
    let turned = (lon + 180.0).rem_euclid(360.0);
    ((turned / 360.0 * size) as u32).min((1 << zoom) - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the latitude is clamped to the square, so the row is below 2^zoom"
)]
fn row(zoom: u8, lat: f64) -> u32 {
    let size = f64::from(1_u32 << zoom);
    let radians = lat.clamp(-LATITUDE_MAX, LATITUDE_MAX).to_radians();
    let from_top = (1.0 - radians.tan().asinh() / std::f64::consts::PI) / 2.0;
    ((from_top * size).max(0.0) as u32).min((1 << zoom) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packing_keeps_a_micro_degree() {
        let place = Place::new(35.681_236, 139.767_125);
        assert!((place.lat() - 35.681_236).abs() < 1e-6);
        assert!((place.lon() - 139.767_125).abs() < 1e-6);
        assert_eq!(Place::from_packed(place.packed()), place);
    }

    #[test]
    fn tokyo_to_osaka_is_about_four_hundred_kilometres() {
        let distance = distance_m(Place::new(35.6812, 139.7671), Place::new(34.7025, 135.4959));
        assert!((distance - 403_000.0).abs() < 3_000.0, "{distance}");
    }

    #[test]
    fn a_cover_is_small_and_crosses_the_antimeridian() {
        let cover = cover(-17.8, 179.99, 5_000);
        assert!(cover.len() <= 16);
        let beyond = cells_of(-17.8, -179.99);
        assert!(beyond.iter().any(|cell| cover.contains(cell)));
    }

    proptest! {
        #[test]
        fn whatever_lies_in_an_area_lies_in_its_cells(
            one in (-85.0..85.0_f64, -180.0..180.0_f64), other in (-85.0..85.0_f64, -180.0..180.0_f64),
            north in 0.0..1.0_f64, east in 0.0..1.0_f64,
        ) {
            let area = Area::around([one, other]).unwrap();
            let cells = area.cells();
            prop_assert!(cells.len() <= 16, "{}", cells.len());
            let lat = area.south + north * (area.north - area.south);
            let lon = area.west + east * (area.east - area.west);
            prop_assert!(areas_of(lat, lon).iter().any(|cell| cells.contains(cell)));
        }

        #[test]
        fn whatever_lies_in_the_circle_lies_in_its_cover(
            lat in -80.0..80.0_f64, lon in -180.0..180.0_f64, radius in 50_u32..50_000,
            angle in 0.0..std::f64::consts::TAU, share in 0.0..0.99_f64,
        ) {
            let reach = f64::from(radius) * share / METRES_PER_DEGREE;
            let other_lat = lat + reach * angle.sin();
            let mut other_lon = lon + reach * angle.cos() / lat.to_radians().cos();
            if other_lon > 180.0 { other_lon -= 360.0 }
            if other_lon < -180.0 { other_lon += 360.0 }
            let here = Place::new(lat, lon);
            let there = Place::new(other_lat, other_lon);
            prop_assume!(distance_m(here, there) <= f64::from(radius));
            let cover = cover(lat, lon, radius);
            prop_assert!(cells_of(other_lat, other_lon).iter().any(|cell| cover.contains(cell)));
        }
    }
}
