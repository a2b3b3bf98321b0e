//! Rows of views as structs, and the SQL that reads and writes a set of them, built from their columns.
//!
//! The statements are built at run time because the same text serves every table and, in a rebuild,
//! a second table of the same shape; a test prepares each of them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, FromRow, Postgres, Type};
use uuid::Uuid;

use super::Version;

/// A JSON column: `json` in the table, so that its text stays as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Doc<T>(pub(crate) T);

impl<T> Type<Postgres> for Doc<T> {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }
}

impl<T> PgHasArrayType for Doc<T> {
    fn array_type_info() -> PgTypeInfo {
        <String as PgHasArrayType>::array_type_info()
    }
}

impl<T: Serialize> Encode<'_, Postgres> for Doc<T> {
    fn encode_by_ref(
        &self,
        buffer: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, BoxDynError> {
        let text = serde_json::to_string(&self.0)?;
        <String as Encode<Postgres>>::encode(text, buffer)
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Postgres> for Doc<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Postgres>>::decode(value)?;
        Ok(Self(serde_json::from_str(text)?))
    }
}

/// How a field of a row travels.
pub(crate) trait Column {
    /// Type of the bound array's elements.
    const BOUND: &'static str;
    /// Whether the column is `json`, which travels as text.
    const JSON: bool = false;
}

macro_rules! columns {
    ($($rust:ty => $sql:literal),* $(,)?) => { $(impl Column for $rust { const BOUND: &'static str = $sql; })* };
}

columns! {
    Uuid => "uuid",
    bool => "boolean",
    i32 => "integer",
    i64 => "bigint",
    f64 => "double precision",
    String => "text",
    chrono::NaiveDate => "date",
    chrono::DateTime<chrono::Utc> => "timestamptz",
}

impl<T> Column for Doc<T> {
    const BOUND: &'static str = "text";
    const JSON: bool = true;
}

impl<T: Column> Column for Option<T> {
    const BOUND: &'static str = T::BOUND;
    const JSON: bool = T::JSON;
}

/// Name and type of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnSpec {
    /// Name in the table and field of the row.
    pub(crate) name: &'static str,
    /// Type of the bound array's elements.
    pub(crate) bound: &'static str,
    /// Whether the column is `json`.
    pub(crate) json: bool,
}

/// A row that folds one stream: its key is the stream's id.
pub(crate) trait Row:
    for<'r> FromRow<'r, PgRow> + Clone + std::fmt::Debug + PartialEq + Send + Sync + Unpin + 'static
{
    /// The table, without its schema.
    const TABLE: &'static str;
    /// The column of the stream's id.
    const KEY: &'static str;
    /// Every column that is written.
    const COLUMNS: &'static [ColumnSpec];

    /// The stream's id.
    fn key(&self) -> Uuid;
    /// The last event folded.
    fn sequence(&self) -> i64;
    /// Says which event was folded last.
    fn set_sequence(&mut self, sequence: i64);
    /// Binds one array for each column.
    ///
    /// # Errors
    /// When a document cannot be written as JSON.
    fn bind(rows: &[Self], arguments: &mut PgArguments) -> Result<(), BoxDynError>;
}

/// Declares a row: the struct, its columns and how they are bound.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident in $table:literal key $key:ident {
        $($(#[$field_doc:meta])* $field:ident: $ty:ty,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
        pub(crate) struct $name { $($(#[$field_doc])* pub $field: $ty,)+ }

        impl $crate::views::row::Row for $name {
            const TABLE: &'static str = $table;
            const KEY: &'static str = stringify!($key);
            const COLUMNS: &'static [$crate::views::row::ColumnSpec] = &[$(
                $crate::views::row::ColumnSpec {
                    name: stringify!($field),
                    bound: <$ty as $crate::views::row::Column>::BOUND,
                    json: <$ty as $crate::views::row::Column>::JSON,
                },
            )+];

            fn key(&self) -> uuid::Uuid {
                self.$key
            }

            fn sequence(&self) -> i64 {
                self.sequence
            }

            fn set_sequence(&mut self, sequence: i64) {
                self.sequence = sequence;
            }

            fn bind(
                rows: &[Self],
                arguments: &mut sqlx::postgres::PgArguments,
            ) -> Result<(), sqlx::error::BoxDynError> {
                use sqlx::Arguments as _;
                $(arguments.add(rows.iter().map(|row| &row.$field).collect::<Vec<_>>())?;)+
                Ok(())
            }
        }
    };
}
pub(crate) use row;

/// `SELECT` of the rows whose key is in `$1`.
pub(crate) fn select_sql<R: Row>(version: Version) -> String {
    let columns: Vec<String> = R::COLUMNS
        .iter()
        .map(|column| {
            if column.json {
                format!("{0}::text AS {0}", column.name)
            } else {
                column.name.to_owned()
            }
        })
        .collect();
    format!(
        "SELECT {} FROM {}.{} WHERE {} = ANY($1)",
        columns.join(", "),
        version.schema(),
        R::TABLE,
        R::KEY
    )
}

/// Set-based upsert, one array for each column. A row never goes back.
pub(crate) fn upsert_sql<R: Row>(version: Version) -> String {
    let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
    let names = names.join(", ");
    let values = R::COLUMNS.iter().map(|column| {
        let cast = if column.json { "::json" } else { "" };
        format!("t.{}{cast}", column.name)
    });
    let arrays = (1..)
        .zip(R::COLUMNS)
        .map(|(n, column)| format!("${n}::{}[]", column.bound));
    let sets = R::COLUMNS
        .iter()
        .filter(|column| column.name != R::KEY)
        .map(|column| format!("{0} = EXCLUDED.{0}", column.name));
    format!(
        "INSERT INTO {schema}.{table} AS v ({names}) SELECT {values} FROM UNNEST({arrays}) AS t({names}) \
         ON CONFLICT ({key}) DO UPDATE SET {sets} WHERE v.sequence < EXCLUDED.sequence",
        schema = version.schema(),
        table = R::TABLE,
        key = R::KEY,
        values = join(values),
        arrays = join(arrays),
        sets = join(sets),
    )
}

/// `DELETE` of the rows whose key is in `$1`.
pub(crate) fn delete_sql<R: Row>(version: Version) -> String {
    format!(
        "DELETE FROM {}.{} WHERE {} = ANY($1)",
        version.schema(),
        R::TABLE,
        R::KEY
    )
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
