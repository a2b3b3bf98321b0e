//! Text to terms, the same for what is indexed and what is asked.
//!
//! Text is brought to NFKC and lower case, Latin letters lose their accents and katakana becomes
//! hiragana. Runs of letters and digits are words; runs of Chinese, Japanese and Korean script, which
//! set no spaces, are cut into overlapping pairs. Single characters of them are indexed too, so that
//! a query of one character finds something.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_canonical;

/// A longer word is cut here; no language of the menus has one.
const WORD_CHARS_MAX: usize = 64;

/// Text in the one form that is compared: NFKC, lower case, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded(String);

impl Folded {
    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Folds text for comparison.
pub fn fold(text: &str) -> Folded {
    let lower = text.nfkc().flat_map(char::to_lowercase).map(fold_char);
    Folded(lower.nfkc().collect())
}

/// Terms of a text that is indexed.
pub fn index_terms(text: &str) -> Vec<String> {
    terms(&fold(text), |run, terms| {
        terms.extend(run.iter().map(char::to_string));
        terms.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
    })
}

/// Terms of a folded query, in their order, each once.
pub fn query_terms(text: &Folded) -> Vec<String> {
    let found = terms(text, |run, terms| {
        if run.len() == 1 {
            terms.extend(run.iter().map(char::to_string));
        } else {
            terms.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
        }
    });
    let mut once: Vec<String> = Vec::with_capacity(found.len());
    for term in found {
        if !once.contains(&term) {
            once.push(term);
        }
    }
    once
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Dense,
    Gap,
}

fn terms(text: &Folded, cut_dense: impl Fn(&[char], &mut Vec<String>)) -> Vec<String> {
    let mut found = Vec::new();
    let mut run: Vec<char> = Vec::new();
    let mut class = Class::Gap;
    for next in text.0.chars().chain(std::iter::once(' ')) {
        let next_class = class_of(next);
        if next_class != class {
            match class {
                Class::Word => found.push(run.iter().take(WORD_CHARS_MAX).collect()),
                Class::Dense => cut_dense(&run, &mut found),
                Class::Gap => {}
            }
            run.clear();
            class = next_class;
        }
        run.push(next);
    }
    found
}

fn class_of(c: char) -> Class {
    if is_dense(c) {
        Class::Dense
    } else if c.is_alphanumeric() {
        Class::Word
    } else {
        Class::Gap
    }
}

/// Scripts written without spaces, and Korean, whose particles cling to the word.
fn is_dense(c: char) -> bool {
    matches!(u32::from(c),
        0x3005..=0x3007            // 々 〆 〇
        | 0x3041..=0x3096          // hiragana
        | 0x30A1..=0x30FA | 0x30FC // katakana and the long vowel mark
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F // han
        | 0xAC00..=0xD7A3) // hangul syllables
}

fn fold_char(c: char) -> char {
    match u32::from(c) {
        // Katakana lies 0x60 above hiragana.
        code @ 0x30A1..=0x30F6 => char::from_u32(code - 0x60).unwrap_or(c),
        0x00C0..=0x024F | 0x1E00..=0x1EFF => {
            let mut base = c;
            decompose_canonical(c, |part| {
                if part.is_alphabetic() {
                    base = part;
                }
            });
            base
        }
        _ => c,
    }
}

/// [`index_terms`] as a Tantivy tokeniser.
#[derive(Clone, Debug, Default)]
pub struct RamenTokenizer {
    terms: Vec<String>,
}

/// The tokens of one text.
#[derive(Debug)]
pub struct RamenTokens<'a> {
    terms: &'a mut Vec<String>,
    next: usize,
    token: Token,
}

impl Tokenizer for RamenTokenizer {
    type TokenStream<'a> = RamenTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> RamenTokens<'a> {
        self.terms = index_terms(text);
        RamenTokens {
            terms: &mut self.terms,
            next: 0,
            token: Token::default(),
        }
    }
}

impl TokenStream for RamenTokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(term) = self.terms.get_mut(self.next) else {
            return false;
        };
        self.token.text = std::mem::take(term);
        self.token.position = self.next;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_case_and_accents() {
        assert_eq!(
            index_terms("Café  TONKOTSU-Ramen №1"),
            ["cafe", "tonkotsu", "ramen", "no1"]
        );
    }

    #[test]
    fn katakana_hiragana_and_half_width_are_one() {
        assert_eq!(index_terms("ラーメン"), index_terms("らーめん"));
        assert_eq!(index_terms("ﾗｰﾒﾝ"), index_terms("ラーメン"));
        assert_eq!(index_terms("ガ"), ["が"]);
    }

    #[test]
    fn dense_scripts_are_cut_into_pairs() {
        assert_eq!(
            query_terms(&fold("豚骨ラーメン")),
            ["豚骨", "骨ら", "らー", "ーめ", "めん"]
        );
        assert_eq!(query_terms(&fold("麺")), ["麺"]);
        assert_eq!(query_terms(&fold("돈코츠 라멘")), ["돈코", "코츠", "라멘"]);
    }

    #[test]
    fn every_term_of_a_query_is_among_the_terms_of_the_same_text() {
        for text in ["豚骨ラーメン hakata 12", "Bún bò", "麺", "a", "((((", ""] {
            let indexed = index_terms(text);
            assert!(
                query_terms(&fold(text))
                    .iter()
                    .all(|term| indexed.contains(term)),
                "{text}"
            );
        }
    }

    #[test]
    fn brackets_and_operators_are_no_terms() {
        assert!(query_terms(&fold(&"(".repeat(10_000))).is_empty());
        assert_eq!(query_terms(&fold("a AND b:c*")), ["a", "and", "b", "c"]);
    }
}
