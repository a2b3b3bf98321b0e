//! Names in kana and kanji in Latin letters, for who types the beginning of one. However a name is spelled
//! by them, it becomes the same: *shouyu*, *syoyu* and *shoyu* are shoyu, *Sapporo* is saporo. It makes names
//! found while they are typed, and is no transcription for people to read.

use super::kana::{is_kana, romaji_of_kana};
use super::text::fold;
use super::vocabulary::read_aloud;

/// Places in a name from which somebody may begin to type it.
const BEGINNINGS_MAX: usize = 8;

/// Spellings of what sounds the same: how it is written, the one spelling, and how many letters of it are
/// done with then. What stands for itself is there so that nothing within it is taken for something else.
const SPELLINGS: [(&str, &str, usize); 21] = [
    ("tch", "ch", 3),
    ("tti", "chi", 3),
    ("tty", "ch", 3),
    ("sh", "sh", 2),
    ("ch", "ch", 2),
    ("ts", "ts", 2),
    ("sy", "sh", 2),
    ("ty", "ch", 2),
    ("cy", "ch", 2),
    ("zy", "j", 2),
    ("jy", "j", 2),
    ("si", "shi", 2),
    ("ti", "chi", 2),
    ("tu", "tsu", 2),
    ("hu", "fu", 2),
    ("zi", "ji", 2),
    ("di", "ji", 2),
    ("ou", "o", 2),
    // Hepburn's `m` before `b`, `m` and `p`, of which the second begins the next sound.
    ("mb", "n", 1),
    ("mm", "n", 1),
    ("mp", "n", 1),
];

/// A lower-case Latin word, or the beginning of one, in the one spelling.
pub fn romaji_typed(word: &str) -> String {
    let mut spelled = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let known = SPELLINGS.iter().find(|(from, ..)| rest.starts_with(from));
        let (to, taken) = match known {
            Some((_, to, taken)) => (*to, *taken),
            None => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        for letter in to.chars() {
            // What is written twice only lengthens or doubles a sound.
            if !spelled.ends_with(letter) {
                spelled.push(letter);
            }
        }
        rest = &rest[taken..];
    }
    spelled
}

/// A name's runs of kana and kanji in the one spelling, each from its beginning and from where its script
/// changes; nothing for what has no known reading.
pub fn romaji_of(name: &str) -> Vec<String> {
    let folded = fold(name);
    let mut found: Vec<String> = Vec::new();
    for run in folded.as_str().split(|c| !is_japanese(c)) {
        for start in beginnings(run) {
            let read = read_aloud(&run[start..]);
            let spelled = read.chars().all(is_kana).then(|| romaji_of_kana(&read));
            let spelled = spelled.map(|spelled| romaji_typed(&spelled));
            found.extend(spelled.filter(|spelled| !spelled.is_empty() && !found.contains(spelled)));
        }
    }
    found
}

fn beginnings(run: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, c) in run.char_indices() {
        if before != Some(is_kana(c)) {
            found.push(at);
        }
        before = Some(is_kana(c));
    }
    found.truncate(BEGINNINGS_MAX);
    found
}

fn is_japanese(c: char) -> bool {
    is_kana(c) || matches!(u32::from(c), 0x3005..=0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_typed_in_any_system_and_from_any_of_its_words() {
        for (typed, name) in [
            ("misor", "味噌ラーメン"),
            ("rame", "味噌ラーメン"),
            ("raa", "ラーメン"),
            ("shou", "しょうゆラーメン"),
            ("syoyu", "しょうゆラーメン"),
            ("chaas", "チャーシュー"),
            ("tyasyu", "チャーシュー"),
            ("tonko", "豚骨"),
            ("tuke", "つけ麺"),
            ("tsukemen", "つけ麺"),
            ("sapp", "さっぽろ"),
            ("temp", "てんぷら"),
            ("hiya", "冷やし中華"),
        ] {
            let typed = romaji_typed(typed);
            let forms = romaji_of(name);
            let found = forms.iter().any(|form| form.starts_with(&typed));
            assert!(found, "{typed} of {name}: {forms:?}");
        }
        assert!(romaji_of("Tonkotsu 돈코츠").is_empty());
        assert!(
            romaji_of("鑊氣").is_empty(),
            "nobody knows how that is read"
        );
    }

    #[test]
    fn any_text_has_an_end() {
        for text in ["", "ー", "mmmm", "mb", "ñ味ñ", "んんん", "っ"] {
            let typed = romaji_typed(&romaji_typed(text));
            assert_eq!(
                typed,
                romaji_typed(text),
                "{text}: the one spelling is its own"
            );
            assert!(romaji_of(text).len() <= BEGINNINGS_MAX);
        }
    }
}
