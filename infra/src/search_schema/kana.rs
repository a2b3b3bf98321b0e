//! Japanese sounds in one spelling: long vowels, doubled consonants and small letters are written in many
//! ways, and Latin letters in several systems. What sounds alike to somebody who searches becomes the same
//! hiragana: ラーメン, らあめん and ramen are らめん; しょうゆ, shōyu, shoyu and syouyu are しよゆ.
//!
//! It makes words found, and is no transcription for people to read.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Longest spelling of one sound in Latin letters (`tchi`, `ssho` are cut before).
const SPELLING_MAX: usize = 3;
/// A Latin word with fewer kana than this says too little to be looked for by its sound.
const KANA_MIN: usize = 2;

/// Whether a character is hiragana, or the mark of a long vowel.
pub(super) fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | 'ー')
}

/// Writes a character of hiragana behind `before`, or nothing when it only lengthens or doubles a sound.
pub(super) fn push_sound(before: &mut Vec<char>, kana: char) {
    let kana = match kana {
        'ー' | 'っ' => return,
        'ぁ' => 'あ',
        'ぃ' => 'い',
        'ぅ' => 'う',
        'ぇ' => 'え',
        'ぉ' | 'を' => 'お',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ゎ' => 'わ',
        'ゕ' => 'か',
        'ゖ' => 'け',
        'ぢ' => 'じ',
        'づ' => 'ず',
        other => other,
    };
    let row = before.last().and_then(|last| vowel_of(*last));
    let lengthens = match (row, kana) {
        (Some('o'), 'う') => true,
        (Some(row), vowel) => vowel_letter(vowel) == Some(row),
        (None, _) => false,
    };
    if !lengthens {
        before.push(kana);
    }
}

fn vowel_letter(kana: char) -> Option<char> {
    match kana {
        'あ' => Some('a'),
        'い' => Some('i'),
        'う' => Some('u'),
        'え' => Some('e'),
        'お' => Some('o'),
        _ => None,
    }
}

/// The vowel in which a kana ends.
fn vowel_of(kana: char) -> Option<char> {
    const ROWS: [(char, &str); 5] = [
        ('a', "あかさたなはまやらわがざだばぱ"),
        ('i', "いきしちにひみりぎじびぴ"),
        ('u', "うくすつぬふむゆるぐずぶぷゔ"),
        ('e', "えけせてねへめれげぜでべぺ"),
        ('o', "おこそとのほもよろごぞどぼぽ"),
    ];
    ROWS.iter()
        .find(|(_, row)| row.contains(kana))
        .map(|(vowel, _)| *vowel)
}

/// The sound of a lower-case Latin word without accents, when it can be read as Japanese.
pub(super) fn sound_of(word: &str) -> Option<Vec<char>> {
    let letters = word.as_bytes();
    if !letters.iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    let mut kana = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let rest = word.get(at..)?;
        let taken = if let Some((taken, sounds)) = syllable(rest) {
            for sound in sounds.chars() {
                push_sound(&mut kana, sound);
            }
            taken
        } else if is_doubled(rest) {
            1
        } else if rest.starts_with('n') || is_m_for_n(rest) {
            kana.push('ん');
            1
        } else {
            return None;
        };
        at += taken;
    }
    (kana.len() >= KANA_MIN).then_some(kana)
}

/// The longest spelling of a sound at the beginning, and its kana.
fn syllable(rest: &str) -> Option<(usize, &'static str)> {
    (1..=SPELLING_MAX.min(rest.len())).rev().find_map(|length| {
        let kana = KANA_OF.get(rest.get(..length)?)?;
        Some((length, *kana))
    })
}

/// A consonant written twice, or the `t` of `tch`.
fn is_doubled(rest: &str) -> bool {
    let mut letters = rest.bytes();
    let (first, second) = (letters.next(), letters.next());
    match (first, second) {
        (Some(b't'), Some(b'c')) => true,
        (Some(first), Some(second)) => first == second && !b"aeioumn".contains(&first),
        _ => false,
    }
}

/// Hepburn writes `m` before `b`, `m` and `p`: shimbashi, tempura.
fn is_m_for_n(rest: &str) -> bool {
    ["mb", "mm", "mp"]
        .iter()
        .any(|start| rest.starts_with(start))
}

/// Hepburn, and where it differs Kunrei and what people type: spelling, kana.
const SOUNDS: &str = "\
    a あ  i い  u う  e え  o お  ka か  ki き  ku く  ke け  ko こ  sa さ  shi し  si し  su す \
    se せ  so そ  ta た  chi ち  ti ち  tsu つ  tu つ  te て  to と  na な  ni に  nu ぬ  ne ね \
    no の  ha は  hi ひ  fu ふ  hu ふ  he へ  ho ほ  ma ま  mi み  mu む  me め  mo も  ya や \
    yu ゆ  yo よ  ra ら  ri り  ru る  re れ  ro ろ  wa わ  wo お  ga が  gi ぎ  gu ぐ  ge げ \
    go ご  za ざ  ji じ  zi じ  di じ  zu ず  du ず  ze ぜ  zo ぞ  da だ  de で  do ど  ba ば \
    bi び  bu ぶ  be べ  bo ぼ  pa ぱ  pi ぴ  pu ぷ  pe ぺ  po ぽ  fa ふぁ  fi ふぃ  fe ふぇ  fo ふぉ \
    kya きゃ  kyu きゅ  kyo きょ  sha しゃ  shu しゅ  sho しょ  she しぇ  sya しゃ  syu しゅ  syo しょ \
    cha ちゃ  chu ちゅ  cho ちょ  che ちぇ  tya ちゃ  tyu ちゅ  tyo ちょ  cya ちゃ  cyu ちゅ  cyo ちょ \
    nya にゃ  nyu にゅ  nyo にょ  hya ひゃ  hyu ひゅ  hyo ひょ  mya みゃ  myu みゅ  myo みょ  rya りゃ \
    ryu りゅ  ryo りょ  gya ぎゃ  gyu ぎゅ  gyo ぎょ  ja じゃ  ju じゅ  jo じょ  je じぇ  jya じゃ \
    jyu じゅ  jyo じょ  zya じゃ  zyu じゅ  zyo じょ  bya びゃ  byu びゅ  byo びょ  pya ぴゃ  pyu ぴゅ \
    pyo ぴょ";

/// [`SOUNDS`] by spelling.
static KANA_OF: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let words: Vec<&str> = SOUNDS.split_whitespace().collect();
    words
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
});

/// The first, which is Hepburn's, of the spellings of each sound.
static SPELLING_OF: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let words: Vec<&str> = SOUNDS.split_whitespace().collect();
    let mut spellings = HashMap::new();
    for pair in words.chunks_exact(2) {
        spellings.entry(pair[1]).or_insert(pair[0]);
    }
    spellings
});

/// Hiragana in Latin letters. What only lengthens or doubles a sound is left out, and so is what nobody can
/// spell.
pub(super) fn romaji_of_kana(kana: &str) -> String {
    let mut spelled = String::new();
    let mut rest = kana;
    while let Some(first) = rest.chars().next() {
        let one = first.len_utf8();
        let two = rest.chars().take(2).map(char::len_utf8).sum();
        let known = [two, one].into_iter().find_map(|length| {
            let spelling = SPELLING_OF.get(rest.get(..length)?)?;
            Some((length, *spelling))
        });
        let (taken, spelling) = known.unwrap_or((one, if first == 'ん' { "n" } else { "" }));
        spelled.push_str(spelling);
        rest = rest.get(taken..).unwrap_or_default();
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kana(text: &str) -> String {
        let mut sounds = Vec::new();
        for c in text.chars() {
            push_sound(&mut sounds, c);
        }
        sounds.into_iter().collect()
    }

    fn latin(word: &str) -> String {
        sound_of(word).unwrap_or_default().into_iter().collect()
    }

    #[test]
    fn one_word_in_all_its_spellings_is_one_sound() {
        for (written, spelled) in [
            ("らーめん", &["ramen", "raamen"][..]),
            ("らあめん", &["ramen"]),
            ("つけめん", &["tsukemen", "tukemen"]),
            (
                "しょうゆ",
                &["shoyu", "shouyu", "syouyu", "syoyu", "shooyu"],
            ),
            ("ちゃーしゅー", &["chashu", "chaashuu", "tyasyu"]),
            ("とんこつ", &["tonkotsu", "tonkotu"]),
            ("さっぽろ", &["sapporo", "saporo"]),
            ("てんぷら", &["tempura", "tenpura"]),
            ("ぎょうざ", &["gyoza", "gyouza"]),
            ("いっちゃん", &["itchan", "icchan"]),
            ("じゃじゃめん", &["jajamen", "zyazyamen", "jyajyamen"]),
        ] {
            for spelling in spelled {
                assert_eq!(latin(spelling), kana(written), "{written} {spelling}");
            }
        }
    }

    #[test]
    fn what_is_no_japanese_word_has_no_sound() {
        for word in [
            "soup",
            "vegan",
            "spicy",
            "lamian",
            "x",
            "no",
            "café",
            "らめん",
            "ch",
            "12",
        ] {
            assert_eq!(sound_of(word), None, "{word}");
        }
    }
}
