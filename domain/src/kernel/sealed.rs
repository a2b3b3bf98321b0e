//! Personal data inside events: ciphertext with everything the vault needs to open it, and nothing to read.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `T` that only `infra::vault` opens. Pure code may move it about.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sealed<T> {
    v: u8,
    k: Uuid,
    n: String,
    c: String,
    o: Origin,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

/// Where a value was sealed first: the additional data of its encryption, kept when the value is copied elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The aggregate's kind, for instance `ordering.cart`.
    pub kind: String,
    /// The aggregate's id.
    pub id: Uuid,
    /// The field, for instance `address`.
    pub field: String,
}

impl<T> Sealed<T> {
    /// Puts together what the vault has encrypted. Only `infra::vault` calls this (and tests, with anything).
    pub fn from_parts(
        version: u8,
        key_id: Uuid,
        nonce: String,
        ciphertext: String,
        origin: Origin,
    ) -> Self {
        Self {
            v: version,
            k: key_id,
            n: nonce,
            c: ciphertext,
            o: origin,
            of: PhantomData,
        }
    }

    /// The version of the sealing scheme.
    pub fn version(&self) -> u8 {
        self.v
    }

    /// The id of the person's key.
    pub fn key_id(&self) -> Uuid {
        self.k
    }

    /// The nonce, base64.
    pub fn nonce(&self) -> &str {
        &self.n
    }

    /// The ciphertext, base64.
    pub fn ciphertext(&self) -> &str {
        &self.c
    }

    /// Where it was sealed first.
    pub fn origin(&self) -> &Origin {
        &self.o
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self {
            v: self.v,
            k: self.k,
            n: self.n.clone(),
            c: self.c.clone(),
            o: self.o.clone(),
            of: PhantomData,
        }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.v, self.k, &self.n, &self.c, &self.o)
            == (other.v, other.k, &other.n, &other.c, &other.o)
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// The published form of every sealed value.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SealedForm {
    /// Version of the sealing scheme.
    v: u8,
    /// Id of the person's key; once that is destroyed, nobody can read the value.
    k: Uuid,
    /// Nonce, base64.
    n: String,
    /// Ciphertext, base64.
    c: String,
    /// Where the value was sealed first.
    o: Origin,
}

impl<T> JsonSchema for Sealed<T> {
    fn schema_name() -> Cow<'static, str> {
        "Sealed".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Sealed").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        SealedForm::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_and_json_keeps_all() {
        let origin = Origin {
            kind: "ordering.cart".into(),
            id: Uuid::nil(),
            field: "address".into(),
        };
        let sealed: Sealed<String> =
            Sealed::from_parts(1, Uuid::nil(), "bm9uY2U=".into(), "c2VjcmV0".into(), origin);
        assert_eq!(format!("{sealed:?}"), "Sealed(…)");
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(
            serde_json::from_str::<Sealed<String>>(&json).unwrap(),
            sealed
        );
    }
}
