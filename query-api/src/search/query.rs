//! What is asked, as terms: text into words, a place into cells.

use chrono::{DateTime, Utc};
use domain::kernel::geo::GeoPoint;
use infra::search_schema::{
    Dimension, Fields, KIND_DISH, KIND_SHOP, Obstacles, Word, areas_of, cover, fold, query_words,
    romaji_typed,
};
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery,
    Query, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::Position;
use super::facets::Facet;

/// Longest text, in bytes after normalisation.
const TEXT_BYTES_MAX: usize = 256;
/// Most words of a text.
const WORDS_MAX: usize = 16;
/// Most terms of all words as they were typed.
const TYPED_TERMS_MAX: usize = 64;
/// Most terms of a query with everything that means the same: further synonyms are left out.
const TERMS_MAX: usize = 256;
/// Words from this length on are also found with one letter wrong.
const FUZZY_CHARS_MIN: usize = 5;
/// A word in a name says more than one in a description.
const NAME_BOOST: f32 = 2.0;
/// A word that is only similar says less.
const FUZZY_BOOST: f32 = 0.3;

/// The text is longer than anybody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a search text has at most {TEXT_BYTES_MAX} bytes and {WORDS_MAX} words")]
pub struct TextTooLong;

/// A text in the form of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchText {
    /// The text, folded.
    pub folded: String,
    /// Its words, all of which must be found.
    pub words: Vec<Word>,
}

/// How hits are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What fits best.
    #[default]
    Relevance,
    /// What is nearest.
    Distance,
    /// What costs least.
    Price,
    /// What is soonest at the door.
    Promise,
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchQuery {
    /// Words.
    pub text: SearchText,
    /// Whether the last word is only begun.
    pub begun: bool,
    /// The instant for which open and promise are answered.
    pub at: DateTime<Utc>,
    /// Where.
    pub near: Option<GeoPoint>,
    /// Only what is so near, in metres.
    pub radius_m: Option<u32>,
    /// Only shops that deliver there.
    pub delivers: bool,
    /// Only shops that take orders, or only those that do not.
    pub open: Option<bool>,
    /// Of each of these dimensions any of the values.
    pub tags: Vec<(Dimension, Vec<String>)>,
    /// Only dishes that can be had without any of these.
    pub avoid: Obstacles,
    /// At most this price in minor units; leaves out shops, which have none.
    pub price_max: Option<i64>,
    /// Only dishes priced in this currency (ISO 4217): minor units of different ones are not compared.
    pub currency: Option<String>,
    /// Only what is at the door within so many minutes.
    pub max_minutes: Option<u32>,
    /// Only shops or only dishes.
    pub dishes: Option<bool>,
    /// The order.
    pub sort: Sort,
    /// What is counted.
    pub facets: Vec<Facet>,
    /// Hits wanted.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Position>,
}

/// The words of a text, in the form of the index.
///
/// # Errors
/// [`TextTooLong`] when it is longer than the limits.
pub fn search_text(text: &str) -> Result<SearchText, TextTooLong> {
    // Folding grows text by no more than some twenty times; what is far too long is not even folded.
    if text.len() > 16 * TEXT_BYTES_MAX {
        return Err(TextTooLong);
    }
    let folded = fold(text);
    if folded.as_str().len() > TEXT_BYTES_MAX {
        return Err(TextTooLong);
    }
    let mut words = query_words(&folded);
    let mut terms: usize = words.iter().map(|word| word.forms[0].len()).sum();
    if words.len() > WORDS_MAX || terms > TYPED_TERMS_MAX {
        return Err(TextTooLong);
    }
    for word in &mut words {
        let mut first = true;
        word.forms.retain(|form| {
            let fits = first || terms + form.len() <= TERMS_MAX;
            terms += if fits && !first { form.len() } else { 0 };
            first = false;
            fits
        });
    }
    Ok(SearchText {
        folded: folded.as_str().to_owned(),
        words,
    })
}

impl SearchQuery {
    /// The query over the index. Filters count nothing in the score.
    pub(super) fn build(&self, fields: &Fields) -> Box<dyn Query> {
        let mut clauses: Vec<Box<dyn Query>> = Vec::new();
        for (at, word) in self.text.words.iter().enumerate() {
            let is_begun = self.begun && at + 1 == self.text.words.len();
            clauses.push(if is_begun {
                begun(fields, word)
            } else {
                anywhere(fields, word)
            });
        }
        if let Some(near) = self.near {
            if let Some(radius_m) = self.radius_m {
                let cells = cover(near.lat(), near.lon(), radius_m);
                clauses.push(any_of(fields.cell, &cells));
            }
            if self.delivers {
                clauses.push(any_of(fields.area, &areas_of(near.lat(), near.lon())));
            }
        }
        for (dimension, values) in &self.tags {
            let terms: Vec<String> = values.iter().map(|value| dimension.term(value)).collect();
            clauses.push(any_of(fields.tag, &terms));
        }
        let dishes_only = self.price_max.is_some() || self.avoid != Obstacles::default();
        if let Some(dishes) = self.dishes.or(dishes_only.then_some(true)) {
            let kind = if dishes { KIND_DISH } else { KIND_SHOP };
            clauses.push(any_of(fields.kind, &[kind.to_owned()]));
        }
        if clauses.is_empty() {
            return Box::new(AllQuery);
        }
        Box::new(BooleanQuery::intersection(clauses))
    }
}

/// A word in any of its forms, in names and texts; what was typed may be nearly it.
fn anywhere(fields: &Fields, word: &Word) -> Box<dyn Query> {
    let forms = word
        .forms
        .iter()
        .map(|form| all_of(form, |term| in_either(fields, term)));
    let mut either: Vec<Box<dyn Query>> = forms.collect();
    if let Some(typed) = fuzzy(word) {
        for field in [fields.name, fields.text] {
            let like = FuzzyTermQuery::new(Term::from_field_text(field, typed), 1, true);
            either.push(Box::new(BoostQuery::new(Box::new(like), FUZZY_BOOST)));
        }
    }
    Box::new(DisjunctionMaxQuery::new(either))
}

/// A word that is only begun, in names alone.
fn begun(fields: &Fields, word: &Word) -> Box<dyn Query> {
    let forms = word
        .forms
        .iter()
        .map(|form| all_of(form, |term| exact(fields.name, term)));
    let mut either: Vec<Box<dyn Query>> = forms.collect();
    if let Some(typed) = &word.typed {
        // Kana and kanji whose reading begins so.
        let sound = Term::from_field_text(fields.romaji, &romaji_typed(typed));
        either.push(Box::new(FuzzyTermQuery::new_prefix(sound, 0, true)));
        let distance = u8::from(fuzzy(word).is_some());
        let term = Term::from_field_text(fields.name, typed);
        either.push(Box::new(FuzzyTermQuery::new_prefix(term, distance, true)));
    }
    Box::new(DisjunctionMaxQuery::new(either))
}

/// The word, when it is long enough for a wrong letter.
fn fuzzy(word: &Word) -> Option<&str> {
    let typed = word.typed.as_deref()?;
    (typed.is_ascii() && typed.len() >= FUZZY_CHARS_MIN).then_some(typed)
}

fn all_of(form: &[String], term: impl Fn(&str) -> Box<dyn Query>) -> Box<dyn Query> {
    Box::new(BooleanQuery::intersection(
        form.iter().map(|text| term(text)).collect(),
    ))
}

fn in_either(fields: &Fields, term: &str) -> Box<dyn Query> {
    let name = BoostQuery::new(exact(fields.name, term), NAME_BOOST);
    Box::new(BooleanQuery::union(vec![
        Box::new(name),
        exact(fields.text, term),
    ]))
}

fn exact(field: Field, term: &str) -> Box<dyn Query> {
    let term = Term::from_field_text(field, term);
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
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
    use proptest::prelude::*;

    use super::*;

    fn count(text: &SearchText) -> usize {
        text.words
            .iter()
            .flat_map(|word| &word.forms)
            .map(Vec::len)
            .sum()
    }

    #[test]
    fn long_texts_are_refused_before_they_cost_anything() {
        assert_eq!(search_text(&"a ".repeat(17)).unwrap().words.len(), 1);
        let many: Vec<String> = (0..17).map(|n| format!("w{n}")).collect();
        assert_eq!(search_text(&many.join(" ")), Err(TextTooLong));
        assert_eq!(search_text(&"a".repeat(257)), Err(TextTooLong));
        assert_eq!(search_text(&"ﷺ".repeat(100)), Err(TextTooLong));
        assert_eq!(search_text(&"\u{301}".repeat(100_000)), Err(TextTooLong));
        assert!(search_text(&"(".repeat(200)).unwrap().words.is_empty());
    }

    #[test]
    fn synonyms_are_left_out_before_a_query_grows_without_bound() {
        let dear = search_text("ramen chashu miso gyoza egg nori negi menma shoyu shio soba udon")
            .unwrap();
        assert!(count(&dear) <= TERMS_MAX, "{}", count(&dear));
        assert!(dear.words.iter().all(|word| !word.forms.is_empty()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_a_bounded_query_or_refused(
            text in "(\\PC|[\u{0}-\u{ff}]|\u{301}|\\(|ラーメン|味噌|chashu |roast pork ){0,400}",
            begun in any::<bool>(),
        ) {
            if let Ok(text) = search_text(&text) {
                prop_assert!(count(&text) <= TERMS_MAX && text.words.len() <= WORDS_MAX);
                let (_, fields) = infra::search_schema::schema();
                SearchQuery { text, begun, ..SearchQuery::default() }.build(&fields);
            }
        }
    }
}
