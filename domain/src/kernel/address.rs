//! Where a bowl is brought. Personal: stored only as `Sealed<Address>`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contact::Phone;
use super::geo::GeoPoint;
use super::text::{Name, Note};

/// A door and the person behind it.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives.
    #[schema(inline)]
    pub name: Name,
    /// Their number.
    #[schema(inline)]
    pub phone: Phone,
    /// Street and number, as they are written there.
    #[schema(inline)]
    pub street: Name,
    /// Floor, flat, door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub unit: Option<Name>,
    /// City or ward.
    #[schema(inline)]
    pub city: Name,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub postcode: Option<Name>,
    /// ISO 3166 country.
    #[schema(inline)]
    pub country: Country,
    /// What the courier should know at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub door_note: Option<Note>,
    /// The exact place of the door.
    pub pin: GeoPoint,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

crate::collect_struct!(Address {
    name,
    phone,
    street,
    unit,
    city,
    postcode,
    country,
    door_note,
    pin
});

/// A country or territory by its ISO 3166-1 alpha-2 code.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{2}$", example = "JP")]
pub struct Country([u8; 2]);

/// The text is no ISO 3166-1 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is an ISO 3166-1 alpha-2 code such as JP")]
pub struct CountryUnknown;

/// All officially assigned codes (ISO 3166-1), two letters each.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM \
JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS \
MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM \
US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

impl Country {
    /// Reads an upper-case code.
    ///
    /// # Errors
    /// [`CountryUnknown`] when it is not assigned.
    pub fn parse(code: &str) -> Result<Self, CountryUnknown> {
        let letters: [u8; 2] = code.as_bytes().try_into().map_err(|_| CountryUnknown)?;
        if COUNTRIES.split(' ').any(|known| known == code) {
            Ok(Self(letters))
        } else {
            Err(CountryUnknown)
        }
    }

    /// The two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for Country {
    type Error = CountryUnknown;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::parse(&code)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

super::collect::leaf!(Country => "country_unknown");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_those_of_the_standard() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert_eq!(Country::parse("TW").unwrap().code(), "TW");
        for bad in ["", "jp", "XX", "JPN", "J ", "UK"] {
            assert!(Country::parse(bad).is_err(), "{bad}");
        }
    }
}
