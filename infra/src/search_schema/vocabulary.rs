//! Words that mean the same, in several languages, and how kanji are read. `vocabulary/NOTICE.md` says
//! where they come from.
//!
//! Synonyms belong to a query and are not indexed, so that a better list needs no new index. Readings are
//! indexed: a query in Latin letters or kana cannot know the kanji.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::{Piece, fold, pairs, pieces};

/// Groups of words that mean the same: a group a line, its words between tabs. A word that begins with
/// [`FOUND_ONLY`] is found by the others and finds none of them.
const LISTS: [&str; 3] = [
    include_str!("vocabulary/ramen.tsv"),
    include_str!("vocabulary/sudachi_food.tsv"),
    include_str!("vocabulary/brands.tsv"),
];
const FOUND_ONLY: char = '-';
/// Words in kanji with their kana.
const READINGS: &str = include_str!("vocabulary/readings.tsv");

/// The terms by which a word is found, all of them.
pub(super) type Form = Vec<String>;

/// All words, by their folded pieces.
struct Vocabulary {
    groups: Vec<Vec<Form>>,
    by_key: HashMap<String, Vec<usize>>,
    key_chars_max: usize,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::read);

static KANA_BY_KANJI: LazyLock<(HashMap<String, String>, usize)> = LazyLock::new(|| {
    let readings: HashMap<String, String> = READINGS
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(kanji, kana)| {
            (
                fold(kanji).as_str().to_owned(),
                fold(kana).as_str().to_owned(),
            )
        })
        .collect();
    let longest = readings.keys().map(|kanji| kanji.chars().count()).max();
    (readings, longest.unwrap_or(0))
});

impl Vocabulary {
    fn read() -> Self {
        let mut found = Self {
            groups: Vec::new(),
            by_key: HashMap::new(),
            key_chars_max: 0,
        };
        for line in LISTS.iter().flat_map(|list| list.lines()) {
            found.add(line);
        }
        found
    }

    fn add(&mut self, line: &str) {
        let group = self.groups.len();
        let mut forms: Vec<Form> = Vec::new();
        for word in line.split('\t') {
            let finds = !word.starts_with(FOUND_ONLY);
            let pieces = pieces(fold(word.trim_start_matches(FOUND_ONLY)).as_str());
            let form = form_of(&pieces);
            if form.is_empty() {
                continue;
            }
            if finds {
                let key = key_of(&pieces);
                self.key_chars_max = self.key_chars_max.max(key.chars().count());
                let groups = self.by_key.entry(key).or_default();
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        self.groups.push(forms);
    }
}

/// What pieces are called in the vocabulary.
pub(super) fn key_of(pieces: &[Piece]) -> String {
    let words: Vec<String> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Word(word) => word.clone(),
            Piece::Dense(run) => run.iter().collect(),
        })
        .collect();
    words.join(" ")
}

/// The terms that find pieces as they are written.
pub(super) fn form_of(pieces: &[Piece]) -> Form {
    pieces
        .iter()
        .flat_map(|piece| match piece {
            Piece::Word(word) => vec![word.clone()],
            Piece::Dense(run) => pairs(run),
        })
        .collect()
}

/// The forms of all words that mean what `key` does, itself among them; none when it is not known.
pub(super) fn same_as(key: &str) -> impl Iterator<Item = &'static Form> {
    let vocabulary = &*VOCABULARY;
    let groups = vocabulary.by_key.get(key).into_iter().flatten();
    groups.flat_map(|group| vocabulary.groups.get(*group).into_iter().flatten())
}

/// Whether the vocabulary has a word.
pub(super) fn knows(key: &str) -> bool {
    VOCABULARY.by_key.contains_key(key)
}

/// Characters of the longest word.
pub(super) fn longest() -> usize {
    VOCABULARY.key_chars_max
}

/// A folded text with its kanji as they are read, the longest known word first; borrowed when nothing is
/// known of it.
pub(super) fn read_aloud(folded: &str) -> Cow<'_, str> {
    let (readings, longest) = &*KANA_BY_KANJI;
    let mut read = String::new();
    let mut at = 0;
    let mut known = false;
    while let Some(first) = folded[at..].chars().next() {
        let rest = &folded[at..];
        let ends = rest.char_indices().map(|(from, c)| from + c.len_utf8());
        let ends: Vec<usize> = ends.take(*longest).collect();
        let word = ends.iter().rev().find_map(|end| {
            let reading = readings.get(rest.get(..*end)?)?;
            Some((*end, reading))
        });
        if let Some((length, kana)) = word {
            read.push_str(kana);
            at += length;
            known = true;
        } else {
            read.push(first);
            at += first.len_utf8();
        }
    }
    if known {
        Cow::Owned(read)
    } else {
        Cow::Borrowed(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kanji_are_read_longest_word_first() {
        assert_eq!(read_aloud("味噌つけ麺 2"), "みそつけめん 2");
        assert_eq!(read_aloud("冷やし中華"), "ひやしちゅうか");
        assert!(matches!(read_aloud("tonkotsu 돈코츠"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_word_finds_its_group_and_a_vague_one_finds_nothing() {
        let chashu: Vec<&Form> = same_as("chashu").collect();
        assert!(chashu.contains(&&vec!["叉焼".to_owned()]));
        assert!(chashu.contains(&&vec!["roast".to_owned(), "pork".to_owned()]));
        assert_eq!(same_as("soft boiled egg").count(), 0);
        assert!(knows("一風堂") && knows("ippudo"));
    }

    #[test]
    fn lists_are_whole() {
        let count: Vec<usize> = LISTS.iter().map(|list| list.lines().count()).collect();
        assert!(count.iter().all(|lines| *lines > 30), "{count:?}");
        assert!(READINGS.lines().all(|line| line.split('\t').count() == 2));
    }
}
