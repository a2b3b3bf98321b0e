//! The Korean government's register of restaurants (data.go.kr 15096283), as CSV in WGS84.
//!
//! Columns: `mgtno, name, road_address, lot_address, lat, lon, status, category, permit_date`.
//! Only shops in business and with a position can be sold from; the register has no hours.

use std::collections::BTreeMap;
use std::io::Read;

use super::records::{Record, for_each_record};
use super::rows::{Faults, Parsed, RefusedRow, ShopRow};

/// Name of this source in shop ids and `source` fields.
pub(crate) const SOURCE: &str = "korean_register";

const COLUMNS: [&str; 8] = [
    "mgtno",
    "name",
    "road_address",
    "lot_address",
    "lat",
    "lon",
    "status",
    "category",
];
/// "In business, normal".
const OPEN: &str = "영업/정상";

/// Reads the whole register.
///
/// # Errors
/// When the file cannot be read or lacks a column; faults of rows are in the result.
pub(crate) fn parse(file: impl Read) -> anyhow::Result<Parsed> {
    let mut parsed = Parsed::default();
    for_each_record(file, &COLUMNS, |row, record| parsed.add(shop(row, record)))?;
    Ok(parsed)
}

fn shop(row: usize, record: &Record<'_>) -> Result<ShopRow, RefusedRow> {
    let mut faults = Faults::default();
    let field = |name: &str| record.field(name);
    let source_id = faults.text("mgtno", field("mgtno"));
    if source_id.is_none() {
        faults.add("no mgtno");
    }
    match field("status") {
        OPEN => {}
        "폐업" => faults.add("closed down (폐업)"),
        other => faults.add(format!("status '{other}' is not 'in business'")),
    }
    let (lat, lon) = (field("lat").parse().ok(), field("lon").parse().ok());
    let (lat, lon) = if field("lat").is_empty() && field("lon").is_empty() {
        faults.add("no position");
        (0.0, 0.0)
    } else {
        (
            faults.degrees("latitude", lat, 90.0),
            faults.degrees("longitude", lon, 180.0),
        )
    };
    let name = faults.text("name", field("name")).unwrap_or_else(|| {
        faults.add("no name");
        String::new()
    });
    let written = [field("road_address"), field("lot_address")];
    let address = written
        .iter()
        .find_map(|address| faults.text("address", address));
    if address.is_none() {
        faults.add("no address");
    }
    faults.finish(ShopRow {
        row,
        source_id: source_id.unwrap_or_default(),
        names: names(&name),
        name,
        lat,
        lon,
        city: address
            .as_deref()
            .and_then(|all| all.split(' ').next())
            .map(str::to_owned),
        address,
        phone: None,
        cuisine: field("category").to_owned(),
        hours: None,
        notes: Vec::new(),
    })
}

/// The Korean name, and the Latin one that some shops carry in brackets: `쿄라멘(Kyo ramen)`.
fn names(written: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::from([("ko".to_owned(), written.to_owned())]);
    let latin = written
        .rsplit_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .filter(|text| text.is_ascii() && text.chars().any(|c| c.is_ascii_alphabetic()));
    if let Some(latin) = latin {
        names.insert("en".to_owned(), latin.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "mgtno,name,road_address,lot_address,lat,lon,status,category,permit_date";

    fn parsed(rows: &str) -> Parsed {
        parse(format!("\u{feff}{HEADER}\n{rows}").as_bytes()).expect("a whole file")
    }

    #[test]
    fn a_shop_in_business_goes_in() {
        let parsed = parsed(
            "A-1,쿄라멘(Kyo ramen),,서울특별시 마포구 연남동 1,37.56,126.92,영업/정상,일식,2020-01-01",
        );
        assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
        let shop = &parsed.shops[0];
        assert_eq!(shop.city.as_deref(), Some("서울특별시"));
        assert_eq!(shop.names["en"], "Kyo ramen");
        assert_eq!((shop.lat, shop.lon), (37.56, 126.92));
    }

    #[test]
    fn every_fault_of_a_row_is_named() {
        let parsed = parsed("A-1,,,,,,폐업,일식,\nA-2,라멘,서울 1,,95,x,영업/정상,일식,");
        assert!(parsed.shops.is_empty());
        assert_eq!(
            parsed.refused[0].reasons,
            ["closed down (폐업)", "no position", "no name", "no address"]
        );
        assert_eq!(
            parsed.refused[1].reasons,
            ["latitude 95 is not within ±90", "no longitude"]
        );
    }

    #[test]
    fn a_repeated_id_is_refused_once() {
        let row = "A-1,라멘,서울 1,,37,127,영업/정상,일식,";
        let parsed = parsed(&format!("{row}\n{row}"));
        assert_eq!(parsed.shops.len(), 1);
        assert_eq!(parsed.refused[0].reasons, ["the same id as row 1"]);
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        let fault = parse("id,name\n1,x".as_bytes()).expect_err("columns are missing");
        assert!(fault.to_string().contains("mgtno"), "{fault}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut file = format!("{HEADER}\n").into_bytes();
            file.extend(bytes);
            if let Ok(parsed) = parse(file.as_slice()) {
                prop_assert!(parsed.refused.iter().all(|row| !row.reasons.is_empty()));
            }
        }
    }
}
