//! The refusal that every transition table gives: the stage, the command, and what is allowed instead.

use std::fmt;

/// A command that the table does not have from the present stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAllowed<S, C> {
    /// The stage.
    pub stage: S,
    /// What was asked.
    pub command: C,
    /// What could be asked now.
    pub allowed: Vec<C>,
}

impl<S: Copy + Into<&'static str>, C: Copy + Into<&'static str>> fmt::Display for NotAllowed<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, command): (&str, &str) = (self.stage.into(), self.command.into());
        write!(f, "{command} is not possible at stage {stage}; ")?;
        if self.allowed.is_empty() {
            return f.write_str("nothing is");
        }
        f.write_str("possible are")?;
        for (index, allowed) in self.allowed.iter().enumerate() {
            let allowed: &str = (*allowed).into();
            write!(f, "{} {allowed}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_stage_command_and_choices() {
        let refused = NotAllowed {
            stage: "ready",
            command: "accept",
            allowed: vec!["collect", "cancel"],
        };
        assert_eq!(
            refused.to_string(),
            "accept is not possible at stage ready; possible are collect, cancel"
        );
        let ended = NotAllowed {
            allowed: vec![],
            ..refused
        };
        assert_eq!(
            ended.to_string(),
            "accept is not possible at stage ready; nothing is"
        );
    }
}
