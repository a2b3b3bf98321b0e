//! Text to terms, the same for what is indexed and what is asked.
//!
//! Text is brought to NFKC and lower case, Latin letters lose their accents and katakana becomes
//! hiragana. Runs of letters and digits are words. Runs of scripts that set no spaces are cut into
//! overlapping pairs, their kana in the one spelling of [`super::kana`]; so is the sound of a Latin word
//! that can be read as Japanese, beside the word itself. Single characters are indexed too, so that a
//! query of one character finds something, and what is written in kanji also as it is read.

use std::borrow::Cow;
use std::collections::HashSet;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_canonical;

use super::kana::{is_kana, push_sound, sound_of};
use super::vocabulary::read_aloud;

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
    let folded = fold(text);
    let mut terms = Vec::new();
    for piece in pieces(folded.as_str()) {
        piece.index(&mut terms);
    }
    if let Cow::Owned(read) = read_aloud(folded.as_str()) {
        let mut aloud = Vec::new();
        for piece in pieces(&read) {
            piece.index(&mut aloud);
        }
        // What both have is said once: a kanji is no second mention.
        let known: HashSet<&String> = terms.iter().collect();
        aloud.retain(|term| !known.contains(term));
        terms.append(&mut aloud);
    }
    terms
}

/// A part of a folded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Letters and digits between gaps.
    Word(String),
    /// Script without spaces, its kana in one spelling.
    Dense(Vec<char>),
}

impl Piece {
    /// The terms under which it is indexed.
    fn index(&self, terms: &mut Vec<String>) {
        match self {
            Self::Word(word) => {
                terms.push(word.clone());
                if let Some(sound) = sound_of(word) {
                    terms.extend(pairs(&sound));
                }
            }
            Self::Dense(run) => {
                terms.extend(run.iter().map(char::to_string));
                terms.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
            }
        }
    }
}

/// The terms that find a run: its pairs, or its only character.
pub(super) fn pairs(run: &[char]) -> Vec<String> {
    if run.len() == 1 {
        return run.iter().map(char::to_string).collect();
    }
    let pairs = run.windows(2);
    pairs.map(|pair| pair.iter().collect()).collect()
}

/// The words and runs of a folded text.
pub(super) fn pieces(folded: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut word_chars = 0;
    let mut run = Vec::new();
    for c in folded.chars().chain([' ']) {
        let class = class_of(c);
        if class != Class::Word && word_chars > 0 {
            found.push(Piece::Word(std::mem::take(&mut word)));
            word_chars = 0;
        }
        if class != Class::Dense && !run.is_empty() {
            found.push(Piece::Dense(std::mem::take(&mut run)));
        }
        match class {
            Class::Word => {
                if word_chars < WORD_CHARS_MAX {
                    word.push(c);
                }
                word_chars += 1;
            }
            Class::Dense if is_kana(c) => push_sound(&mut run, c),
            Class::Dense => run.push(c),
            Class::Gap => {}
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Dense,
    Gap,
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
        0x0E01..=0x0E3A | 0x0E40..=0x0E4E // thai
        | 0x3005..=0x3007          // 々 〆 〇
        | 0x3041..=0x3096          // hiragana
        | 0x30A1..=0x30FA | 0x30FC // katakana and the long vowel mark
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F // han
        | 0xAC00..=0xD7A3) // hangul syllables
}

fn fold_char(c: char) -> char {
    match u32::from(c) {
        // Katakana lies 0x60 above hiragana.
        code @ 0x30A1..=0x30F6 => char::from_u32(code - 0x60).unwrap_or(c),
        0x00C0..=0x024F | 0x1E00..=0x1EFF => without_accent(c),
        _ => c,
    }
}

fn without_accent(c: char) -> char {
    match c {
        'ø' => 'o',
        'đ' => 'd',
        'ł' => 'l',
        _ => {
            let mut base = c;
            decompose_canonical(c, |part| {
                if part.is_alphabetic() {
                    base = part;
                }
            });
            base
        }
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
            index_terms("Café  SPICY-Phở №1"),
            ["cafe", "spicy", "pho", "no1"]
        );
    }

    #[test]
    fn kana_are_one_whatever_script_width_size_or_length_they_have() {
        for same in ["らーめん", "ﾗｰﾒﾝ", "らあめん", "らめん", "ラァメン"] {
            assert_eq!(index_terms(same), index_terms("ラーメン"), "{same}");
        }
        assert_eq!(index_terms("ガ"), ["が"]);
        assert_eq!(index_terms("ｶﾞ"), ["が"]);
    }

    #[test]
    fn a_latin_word_is_also_what_it_sounds_like() {
        assert_eq!(index_terms("Ramen"), ["ramen", "らめ", "めん"]);
        assert_eq!(index_terms("soup"), ["soup"]);
    }

    #[test]
    fn dense_scripts_are_cut_into_pairs_and_kanji_are_read() {
        let terms = index_terms("つけ麺");
        assert_eq!(
            terms,
            ["つ", "け", "麺", "つけ", "け麺", "め", "ん", "けめ", "めん"]
        );
        assert_eq!(index_terms("라멘"), ["라", "멘", "라멘"]);
        assert_eq!(index_terms("ก๋วย").last().unwrap(), "วย");
    }

    #[test]
    fn brackets_and_operators_are_no_terms() {
        assert!(index_terms(&"(".repeat(10_000)).is_empty());
        assert_eq!(index_terms("x AND b:c*"), ["x", "and", "b", "c"]);
    }

    #[test]
    fn a_long_word_is_cut_and_stays_one() {
        assert_eq!(index_terms(&"x".repeat(1_000)), ["x".repeat(64)]);
    }
}
