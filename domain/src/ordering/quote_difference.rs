//! What has changed between the quote that a customer saw and the one that holds now.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::quote::{Party, PromiseMinutes, QuoteContent, QuoteLine, QuoteLineKind};
use super::window::Schedule;
use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::ids::PromotionId;

/// A value then and now; what is absent was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Moved<T> {
    /// As it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<T>,
    /// As it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<T>,
}

/// A line that came, went, or has another amount, tax or name.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LineMoved {
    /// What it is for.
    pub kind: QuoteLineKind,
    /// What it belongs to.
    pub reference: String,
    /// The whole line, then and now.
    #[serde(flatten)]
    pub line: Moved<QuoteLine>,
}

/// An allergen that came, went, or is declared otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllergenMoved {
    /// Which.
    pub allergen: Allergen,
    /// How it is declared, then and now; absent is free of it.
    #[serde(flatten)]
    pub presence: Moved<Presence>,
}

/// All that has changed; what stayed is not in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QuoteDifference {
    /// Lines.
    pub lines: Vec<LineMoved>,
    /// Allergens.
    pub allergens: Vec<AllergenMoved>,
    /// The sum to pay, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_minor: Option<Moved<i64>>,
    /// The promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<Moved<PromiseMinutes>>,
    /// When it is wanted, and when its shop is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Moved<Schedule>>,
}

impl QuoteDifference {
    /// What of `seen` is otherwise `now`.
    pub fn between(seen: &QuoteContent, now: &QuoteContent) -> Self {
        Self {
            lines: lines(seen, now),
            allergens: allergens(seen, now),
            total_minor: moved(seen.total_minor, now.total_minor),
            promise: moved(seen.promise, now.promise),
            schedule: (seen.schedule != now.schedule).then_some(Moved {
                seen: seen.schedule,
                now: now.schedule,
            }),
        }
    }
}

fn moved<T: PartialEq>(seen: T, now: T) -> Option<Moved<T>> {
    (seen != now).then_some(Moved {
        seen: Some(seen),
        now: Some(now),
    })
}

/// What makes a line the same line in two quotes.
type LineName<'a> = ((QuoteLineKind, Option<PromotionId>, Party), &'a str);

fn named(content: &QuoteContent) -> BTreeMap<LineName<'_>, &QuoteLine> {
    let name = |line: &QuoteLine| (line.kind, line.promotion, line.payer);
    content
        .lines
        .iter()
        .map(|line| ((name(line), line.reference.as_str()), line))
        .collect()
}

fn lines(seen: &QuoteContent, now: &QuoteContent) -> Vec<LineMoved> {
    let (seen, now) = (named(seen), named(now));
    let names: BTreeSet<_> = seen.keys().chain(now.keys()).copied().collect();
    let pair = |name| (name, seen.get(&name).copied(), now.get(&name).copied());
    names
        .into_iter()
        .map(pair)
        .filter(|(_, seen, now)| seen != now)
        .map(|(((kind, ..), reference), seen, now)| LineMoved {
            kind,
            reference: reference.to_owned(),
            line: Moved {
                seen: seen.cloned(),
                now: now.cloned(),
            },
        })
        .collect()
}

fn allergens(seen: &QuoteContent, now: &QuoteContent) -> Vec<AllergenMoved> {
    let names: BTreeSet<_> = seen
        .allergens
        .keys()
        .chain(now.allergens.keys())
        .copied()
        .collect();
    names
        .into_iter()
        .map(|allergen| AllergenMoved {
            allergen,
            presence: Moved {
                seen: seen.allergens.get(&allergen).copied(),
                now: now.allergens.get(&allergen).copied(),
            },
        })
        .filter(|moved| moved.presence.seen != moved.presence.now)
        .collect()
}
