//! A count or a loss leaves less on the shelf than is held: the newest orders that are not fired run out of it, each once,
//! as if their shop had said so.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AnyRecorded, Effect, Process};
use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::key::Key;
use crate::ordering::order::OrderCommand;
use crate::restaurant::inventory::{InventoryEvent, ShortHold};

/// See the module.
#[derive(Debug)]
pub struct StockShorts;

/// What is remembered of a shop's stock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StockShortsState {
    /// The last sequence seen.
    seen: i64,
}

/// What runs out for which orders, newest first.
fn short_of(event: &AnyEvent) -> Option<(&Key, &[ShortHold])> {
    let AnyEvent::Inventory(news) = event else {
        return None;
    };
    match news {
        InventoryEvent::Recounted {
            ingredient, short, ..
        }
        | InventoryEvent::Wasted {
            ingredient, short, ..
        } => (!short.is_empty()).then_some((ingredient, short.as_slice())),
        InventoryEvent::Received { .. }
        | InventoryEvent::EightySixed { .. }
        | InventoryEvent::EightySixLifted { .. }
        | InventoryEvent::HoldOpened { .. }
        | InventoryEvent::HoldChanged { .. }
        | InventoryEvent::HoldCommitted { .. }
        | InventoryEvent::HoldConsumed { .. }
        | InventoryEvent::CookedAgain { .. }
        | InventoryEvent::HoldReleased { .. } => None,
    }
}

impl Process for StockShorts {
    const NAME: &'static str = "stock_shorts";
    const FOLLOWS: &'static [Kind] = &[Kind::Inventory];
    type State = StockShortsState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        short_of(&event.recorded.event).map(|_| event.recorded.stream)
    }

    fn react(state: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect> {
        let recorded = &event.recorded;
        let Some((ingredient, short)) = short_of(&recorded.event) else {
            return Vec::new();
        };
        if recorded.sequence <= state.seen {
            return Vec::new();
        }
        state.seen = recorded.sequence;
        let process = Key::parse(Self::NAME).expect("the name is a key");
        let runs_out = |lacking: &ShortHold| {
            let command = OrderCommand::ShortStock {
                short: Uuid::new_v5(&recorded.event_id, lacking.hold.uuid().as_bytes()),
                ingredient: ingredient.clone(),
                amount: lacking.amount,
                answer_by: recorded.recorded_at + flags.short_answer.span(),
                by: Actor::System {
                    process: process.clone(),
                },
            };
            Effect::Command {
                command: AnyCommand::Order(lacking.hold.uuid(), command),
            }
        };
        short.iter().map(runs_out).collect()
    }

    /// Nothing is waited for: what a repeat wants has the same name.
    fn is_over(_: &Self::State) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::{Event as _, Recorded};
    use crate::testing::test_now;

    fn recorded(sequence: i64, event: InventoryEvent) -> AnyRecorded {
        AnyRecorded {
            recorded: Recorded {
                event: AnyEvent::Inventory(event),
                event_id: Uuid::from_u128(4),
                stream: Uuid::from_u128(2),
                sequence,
                position: sequence,
                recorded_at: test_now(),
            },
            order: None,
            restaurant: None,
            by_shop: false,
        }
    }

    #[test]
    fn each_order_that_is_named_runs_out_once() {
        let (mut state, flags) = (StockShortsState::default(), Flags::default());
        let mut told = 0;
        for (sequence, event) in (1..).zip(InventoryEvent::samples()) {
            let event = recorded(sequence, event);
            let expected = short_of(&event.recorded.event).map_or(0, |(_, short)| short.len());
            let effects = StockShorts::react(&mut state, &event, &flags);
            assert_eq!(effects.len(), expected);
            assert_eq!(StockShorts::instance(&event).is_some(), expected > 0);
            assert!(StockShorts::react(&mut state, &event, &flags).is_empty());
            told += expected;
        }
        assert_eq!(told, 2, "a count and a loss");
    }
}
