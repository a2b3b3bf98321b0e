//! What is asked, as terms: text into words, a place into cells.

use infra::search_schema::{Fields, KIND_DISH, KIND_SHOP, cover, fold, query_terms};
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, Occur, Query, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

/// Longest text, in bytes after normalisation.
const TEXT_BYTES_MAX: usize = 256;
/// Most words of a text.
const TERMS_MAX: usize = 16;
/// Words from this length on are also found with one letter wrong.
const FUZZY_CHARS_MIN: usize = 5;
/// A word in a name says more than one in a description.
const NAME_BOOST: f32 = 2.0;
/// A word that is only similar says less.
const FUZZY_BOOST: f32 = 0.3;

/// The text is longer than anybody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a search text has at most {TEXT_BYTES_MAX} bytes and {TERMS_MAX} words")]
pub struct TextTooLong;

/// A circle to search in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// Radius in metres.
    pub radius_m: u32,
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchQuery {
    /// Words, all of which must be found.
    pub terms: Vec<String>,
    /// Where.
    pub near: Option<Near>,
    /// Any of these styles; every style when empty.
    pub styles: Vec<String>,
    /// At most this price in minor units; leaves out shops, which have none.
    pub price_max: Option<i64>,
    /// Only shops or only dishes.
    pub dishes: Option<bool>,
    /// Hits wanted.
    pub limit: usize,
    /// Hits left out, for the pages before.
    pub offset: usize,
}

/// The words of a text, in the form of the index.
///
/// # Errors
/// [`TextTooLong`] when it is longer than the limits.
pub fn search_terms(text: &str) -> Result<Vec<String>, TextTooLong> {
    // Folding grows text by no more than some twenty times; what is far too long is not even folded.
    if text.len() > 16 * TEXT_BYTES_MAX {
        return Err(TextTooLong);
    }
    let folded = fold(text);
    if folded.as_str().len() > TEXT_BYTES_MAX {
        return Err(TextTooLong);
    }
    let terms = query_terms(&folded);
    if terms.len() > TERMS_MAX {
        Err(TextTooLong)
    } else {
        Ok(terms)
    }
}

impl SearchQuery {
    /// The query over the index. Filters count nothing in the score.
    pub(super) fn build(&self, fields: &Fields) -> Box<dyn Query> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for term in &self.terms {
            clauses.push((Occur::Must, word(fields, term)));
        }
        if let Some(near) = self.near {
            let cells = cover(near.lat, near.lon, near.radius_m);
            clauses.push((Occur::Must, any_of(fields.cell, &cells)));
        }
        if !self.styles.is_empty() {
            clauses.push((Occur::Must, any_of(fields.style, &self.styles)));
        }
        if let Some(dishes) = self.dishes.or(self.price_max.map(|_| true)) {
            let kind = if dishes { KIND_DISH } else { KIND_SHOP };
            clauses.push((Occur::Must, any_of(fields.kind, &[kind.to_owned()])));
        }
        if clauses.is_empty() {
            return Box::new(AllQuery);
        }
        Box::new(BooleanQuery::new(clauses))
    }
}

/// A word in the name or in the text, and for longer ones a word like it.
fn word(fields: &Fields, term: &str) -> Box<dyn Query> {
    let exact = |field: Field| -> Box<dyn Query> {
        let term = Term::from_field_text(field, term);
        Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
    };
    let mut either: Vec<(Occur, Box<dyn Query>)> = vec![
        (
            Occur::Should,
            Box::new(BoostQuery::new(exact(fields.name), NAME_BOOST)),
        ),
        (Occur::Should, exact(fields.text)),
    ];
    if term.is_ascii() && term.chars().count() >= FUZZY_CHARS_MIN {
        for field in [fields.name, fields.text] {
            let like = FuzzyTermQuery::new(Term::from_field_text(field, term), 1, true);
            either.push((
                Occur::Should,
                Box::new(BoostQuery::new(Box::new(like), FUZZY_BOOST)),
            ));
        }
    }
    Box::new(BooleanQuery::new(either))
}

fn any_of(field: Field, values: &[String]) -> Box<dyn Query> {
    let terms = values
        .iter()
        .map(|value| Term::from_field_text(field, value));
    Box::new(ConstScoreQuery::new(
        Box::new(TermSetQuery::new(terms)),
        0.0,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_refused_before_they_cost_anything() {
        assert_eq!(search_terms(&"a ".repeat(17)), search_terms("a"));
        let many: Vec<String> = (0..17).map(|n| format!("w{n}")).collect();
        assert_eq!(search_terms(&many.join(" ")), Err(TextTooLong));
        assert_eq!(search_terms(&"a".repeat(257)), Err(TextTooLong));
        assert_eq!(search_terms(&"ﷺ".repeat(100)), Err(TextTooLong));
        assert_eq!(search_terms(&"(".repeat(200)), Ok(vec![]));
    }
}
