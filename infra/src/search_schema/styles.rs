//! The styles by which people filter and the words by which they call them in several languages.

/// A style and the words that find it.
#[derive(Clone, Copy, Debug)]
pub struct StyleWords {
    /// Wire name.
    pub name: &'static str,
    /// What people type for it: romaji, Japanese, Korean, Chinese, English.
    pub words: &'static str,
}

/// Every style; the position in this list is the facet's code, so lines are only added at the end.
pub const STYLES: &[StyleWords] = &[
    StyleWords {
        name: "hakata_tonkotsu",
        words: "hakata tonkotsu pork bone 博多 豚骨 とんこつ 돈코츠 하카타 豬骨 猪骨",
    },
    StyleWords {
        name: "shoyu",
        words: "shoyu soy sauce 醤油 しょうゆ 쇼유 醬油 酱油",
    },
    StyleWords {
        name: "shio",
        words: "shio salt 塩 しお 시오 鹽味 盐味",
    },
    StyleWords {
        name: "tantan",
        words: "tantan tantanmen dandan dan sesame spicy 担々麺 担担麺 탄탄멘 擔擔麵 担担面",
    },
    StyleWords {
        name: "miso",
        words: "miso sapporo 味噌 みそ 미소 札幌",
    },
    StyleWords {
        name: "iekei",
        words: "iekei yokohama 家系 いえけい 이에케이 横浜",
    },
    StyleWords {
        name: "jiro",
        words: "jiro 二郎 じろう 지로",
    },
    StyleWords {
        name: "tsukemen",
        words: "tsukemen dipping noodles つけ麺 つけめん 츠케멘 沾麵 蘸面",
    },
    StyleWords {
        name: "mazemen",
        words: "mazemen mazesoba brothless まぜ麺 まぜそば 마제소바 拌麵 拌面",
    },
    StyleWords {
        name: "abura_soba",
        words: "abura soba aburasoba oil noodles 油そば 아부라소바 油拌麵",
    },
    StyleWords {
        name: "hiyashi_chuka",
        words: "hiyashi chuka cold noodles 冷やし中華 히야시추카 中華涼麵",
    },
    StyleWords {
        name: "kit",
        words: "kit raw par cooked home 生麺 セット 밀키트",
    },
    StyleWords {
        name: "side",
        words: "side gyoza rice 餃子 ご飯 교자 사이드",
    },
    StyleWords {
        name: "drink",
        words: "drink beverage 飲み物 ドリンク 음료 飲料",
    },
];

/// The code of a style, or none for a name that the index does not know.
pub fn style_code(name: &str) -> Option<u64> {
    STYLES
        .iter()
        .position(|style| style.name == name)
        .and_then(|at| u64::try_from(at).ok())
}

/// The words that find a style; none for a name that the index does not know.
pub fn style_words(name: &str) -> &'static str {
    let known = STYLES.iter().find(|known| known.name == name);
    known.map_or("", |known| known.words)
}
