//! *Did you mean*: words that no document has, replaced by the most frequent one that is a letter away.

use std::collections::BTreeMap;

use infra::search_schema::{Fields, Word};
use tantivy::query::FuzzyTermQuery;
use tantivy::{Searcher, Term};

use super::query::SearchText;

/// Shorter words are a letter away from too many.
const CHARS_MIN: usize = 4;

/// The text with its unknown words replaced; none when every word is known or nothing is near.
pub(super) fn did_you_mean(
    searcher: &Searcher,
    fields: &Fields,
    text: &SearchText,
) -> tantivy::Result<Option<String>> {
    let mut corrected = text.folded.clone();
    let mut changed = false;
    for typed in text.words.iter().filter_map(mistyped) {
        if is_known(searcher, fields, typed)? {
            continue;
        }
        if let Some(better) = nearest(searcher, fields, typed)? {
            corrected = replace_word(&corrected, typed, &better);
            changed = true;
        }
    }
    Ok(changed.then_some(corrected))
}

fn mistyped(word: &Word) -> Option<&str> {
    let typed = word.typed.as_deref()?;
    let is_plain = typed.bytes().all(|letter| letter.is_ascii_lowercase());
    (is_plain && typed.len() >= CHARS_MIN).then_some(typed)
}

fn is_known(searcher: &Searcher, fields: &Fields, word: &str) -> tantivy::Result<bool> {
    for field in [fields.name, fields.text] {
        if searcher.doc_freq(&Term::from_field_text(field, word))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn nearest(searcher: &Searcher, fields: &Fields, word: &str) -> tantivy::Result<Option<String>> {
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for field in [fields.name, fields.text] {
        let like = FuzzyTermQuery::new(Term::from_field_text(field, word), 1, true);
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut terms = index.terms().search(like.automaton()?).into_stream()?;
            while let Some((term, info)) = terms.next() {
                if let Ok(term) = std::str::from_utf8(term) {
                    *found.entry(term.to_owned()).or_default() += u64::from(info.doc_freq);
                }
            }
        }
    }
    // Of equally frequent ones the first by letter, so that the answer is always the same.
    let best = found.into_iter().rev().max_by_key(|(_, count)| *count);
    Ok(best.map(|(term, _)| term))
}

fn replace_word(text: &str, word: &str, better: &str) -> String {
    let words = text
        .split(' ')
        .map(|part| if part == word { better } else { part });
    words.collect::<Vec<_>>().join(" ")
}
