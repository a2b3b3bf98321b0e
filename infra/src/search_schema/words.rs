//! A query text as words: each with all the ways in which it may be written in a document.

use super::kana::sound_of;
use super::text::{Folded, Piece, pairs, pieces};
use super::vocabulary::{Form, form_of, key_of, knows, longest, same_as};

/// Pieces that make one word of the vocabulary at most (`ajitsuke tamago`, `soft boiled egg`).
const PHRASE_MAX: usize = 4;
/// Ways of one word that are looked for.
const FORMS_MAX: usize = 12;
/// Terms of one way.
const FORM_TERMS_MAX: usize = 32;

/// A word of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Ways in which it may be written: any of them, and of each all terms. The first is as it was typed.
    pub forms: Vec<Vec<String>>,
    /// Itself, when it is one word of letters: such a one may be mistyped.
    pub typed: Option<String>,
}

/// The words of a folded query, in their order, each once.
pub fn query_words(text: &Folded) -> Vec<Word> {
    let pieces = pieces(text.as_str());
    let mut words: Vec<Word> = Vec::new();
    let mut rest = pieces.as_slice();
    while !rest.is_empty() {
        let phrase = (2..=PHRASE_MAX.min(rest.len()))
            .rev()
            .find(|count| knows(&key_of(&rest[..*count])));
        let (taken, after) = rest.split_at(phrase.unwrap_or(1));
        match taken {
            [Piece::Word(word)] => words.push(latin(word)),
            [Piece::Dense(run)] => words.extend(cut(run)),
            phrase => words.push(with_synonyms(form_of(phrase), &key_of(phrase))),
        }
        rest = after;
    }
    let mut once: Vec<Word> = Vec::with_capacity(words.len());
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once
}

/// A Latin word: as typed, by its sound, and what means the same as either.
fn latin(word: &str) -> Word {
    let mut found = with_synonyms(vec![word.to_owned()], word);
    if let Some(sound) = sound_of(word) {
        found.add(pairs(&sound));
        let spelled: String = sound.iter().collect();
        for form in same_as(&spelled) {
            found.add(form.clone());
        }
    }
    found.typed = Some(word.to_owned());
    found
}

/// A run without spaces as the words of the vocabulary that are in it, the longest first, and what lies
/// between them.
fn cut(run: &[char]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut plain: Vec<char> = Vec::new();
    let mut rest = run;
    while let Some(first) = rest.first() {
        let known = (2..=longest().min(rest.len())).rev().find(|count| {
            let key: String = rest[..*count].iter().collect();
            knows(&key)
        });
        if let Some(count) = known {
            words.extend(unknown(&mut plain));
            let (word, after) = rest.split_at(count);
            words.push(with_synonyms(pairs(word), &word.iter().collect::<String>()));
            rest = after;
        } else {
            plain.push(*first);
            rest = &rest[1..];
        }
    }
    words.extend(unknown(&mut plain));
    words
}

fn unknown(plain: &mut Vec<char>) -> Option<Word> {
    let run = std::mem::take(plain);
    (!run.is_empty()).then(|| Word {
        forms: vec![pairs(&run)],
        typed: None,
    })
}

fn with_synonyms(form: Form, key: &str) -> Word {
    let mut word = Word {
        forms: vec![form],
        typed: None,
    };
    for form in same_as(key) {
        word.add(form.clone());
    }
    word
}

impl Word {
    fn add(&mut self, form: Form) {
        let fits = self.forms.len() < FORMS_MAX && form.len() <= FORM_TERMS_MAX;
        if fits && !form.is_empty() && !self.forms.contains(&form) {
            self.forms.push(form);
        }
    }

    /// Whether a document with these terms has the word, as it is written.
    pub fn is_in(&self, terms: &[String]) -> bool {
        let all = |form: &Vec<String>| form.iter().all(|term| terms.contains(term));
        self.forms.iter().any(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::{fold, index_terms};
    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        let terms = index_terms(text);
        let words = query_words(&fold(query));
        !words.is_empty() && words.iter().all(|word| word.is_in(&terms))
    }

    #[test]
    fn a_dish_is_found_in_every_script() {
        for (query, text) in [
            ("ramen", "ラーメン"),
            ("ラーメン", "Ramen"),
            ("らあめん", "醤油ラーメン"),
            ("shōyu", "しょうゆ"),
            ("syouyu ramen", "醤油らーめん"),
            ("shoyu", "醤油ラーメン"),
            ("つけめん", "Tsukemen"),
            ("tsukemen", "特製つけ麺"),
            ("tonkotsu", "豚骨ラーメン"),
            ("豚骨", "Hakata Tonkotsu"),
            ("돈코츠", "とんこつ"),
            ("叉焼", "Chashu pork"),
            ("roast pork", "Roast pork bun"),
            ("gyoza", "焼き餃子"),
            ("味玉ラーメン", "Ajitama ramen"),
            ("ﾁｬｰｼｭｰ", "Extra chāshū"),
            ("ippudo", "一風堂"),
            ("egg", "卵かけご飯"),
            ("phở", "Pho bo"),
        ] {
            assert!(finds(query, text), "{query} in {text}");
        }
        assert!(!finds("miso", "Shoyu ramen"));
        assert!(!finds("chashu", "Roast beef"));
        assert!(!finds("-", "miso"));
    }

    #[test]
    fn a_run_is_cut_where_the_vocabulary_knows_a_word() {
        let words = query_words(&fold("濃厚味噌ラーメン"));
        let typed: Vec<String> = words.iter().map(|word| word.forms[0].join("|")).collect();
        assert_eq!(typed, ["濃厚", "味噌", "らめ|めん"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_is_found_by_itself(text in "(\\PC|[ぁ-んァ-ンー]|[a-z ]|麺|味噌|塩){0,40}") {
            let terms = index_terms(&text);
            for word in query_words(&fold(&text)) {
                prop_assert!(word.is_in(&terms), "{word:?}");
            }
        }
    }
}
