//! The life of a menu: published once, it stays so.

use super::command::MenuCommandKind::{
    self, Publish, SetAvailable, SetOptionAvailable, SetOptionPrice, SetPrice,
};
use super::state::MenuStage::{self, Published, Unpublished};

/// From, command, to.
pub const TRANSITIONS: &[(MenuStage, MenuCommandKind, MenuStage)] = &[
    (Unpublished, Publish, Published),
    (Published, Publish, Published),
    (Published, SetPrice, Published),
    (Published, SetAvailable, Published),
    (Published, SetOptionPrice, Published),
    (Published, SetOptionAvailable, Published),
];
