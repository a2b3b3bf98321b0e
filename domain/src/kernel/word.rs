//! Enums of plain words: in documents and events each variant is its name in `snake_case`, and nothing else is read.

/// Declares enums of words, each with the code of the fault that another word is.
macro_rules! words {
    ($(
        $(#[$about:meta])*
        $name:ident or $code:literal { $($(#[$what:meta])* $word:ident),+ $(,)? }
    )+) => { $(
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            schemars::JsonSchema, utoipa::ToSchema, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$what])* $word),+ }

        crate::kernel::collect::leaf!($name => $code);
    )+ };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::kernel::bowl::Style;
    use crate::kernel::collect::collect;
    use serde_json::json;

    #[test]
    fn a_word_is_one_word_everywhere_and_another_is_a_fault() {
        assert_eq!(
            collect::<Style>(&json!("abura_soba")).ok(),
            Some(Style::AburaSoba)
        );
        assert_eq!("abura_soba".parse(), Ok(Style::AburaSoba));
        assert_eq!(<&str>::from(Style::AburaSoba), "abura_soba");
        assert_eq!(json!(Style::AburaSoba), "abura_soba");
        for other in [
            json!("AburaSoba"),
            json!("ABURA_SOBA"),
            json!("ａbura_soba"),
            json!(4),
            json!(null),
        ] {
            let faults = collect::<Style>(&other).unwrap_err();
            assert_eq!(faults.0[0].code, "style_unknown", "{other}");
        }
    }
}
