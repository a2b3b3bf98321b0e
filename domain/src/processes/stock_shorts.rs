//! A count or a loss leaves less on the shelf than is held: the newest orders that are not fired run out of it, each once,
//! as if their shop had said so. So does an order for later for which not everything is there when it is released.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AnyRecorded, Effect, Process};
use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::quantity::IngredientAmount;
use crate::ordering::order::OrderCommand;
use crate::restaurant::inventory::InventoryEvent;

/// See the module.
#[derive(Debug)]
pub struct StockShorts;

/// What is remembered of a shop's stock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StockShortsState {
    /// The last sequence seen.
    seen: i64,
}

/// An order, and what it lacks.
type RunsOut = (OrderId, Vec<IngredientAmount>);

/// What runs out for which orders, newest first.
fn short_of(event: &AnyEvent) -> Vec<RunsOut> {
    let AnyEvent::Inventory(news) = event else {
        return Vec::new();
    };
    match news {
        InventoryEvent::Recounted {
            ingredient, short, ..
        }
        | InventoryEvent::Wasted {
            ingredient, short, ..
        } => (short.iter())
            .map(|lacking| (lacking.hold, vec![lacking.of(ingredient)]))
            .collect(),
        InventoryEvent::HoldFilled { hold, short, .. } if !short.is_empty() => {
            vec![(*hold, short.clone())]
        }
        InventoryEvent::Received { .. }
        | InventoryEvent::EightySixed { .. }
        | InventoryEvent::EightySixLifted { .. }
        | InventoryEvent::HoldOpened { .. }
        | InventoryEvent::HoldChanged { .. }
        | InventoryEvent::HoldFilled { .. }
        | InventoryEvent::HoldCommitted { .. }
        | InventoryEvent::HoldConsumed { .. }
        | InventoryEvent::CookedAgain { .. }
        | InventoryEvent::HoldReleased { .. } => Vec::new(),
    }
}

impl Process for StockShorts {
    const NAME: &'static str = "stock_shorts";
    const FOLLOWS: &'static [Kind] = &[Kind::Inventory];
    type State = StockShortsState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        let runs_out = !short_of(&event.recorded.event).is_empty();
        runs_out.then_some(event.recorded.stream)
    }

    fn react(state: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect> {
        let recorded = &event.recorded;
        let short = short_of(&recorded.event);
        if short.is_empty() || recorded.sequence <= state.seen {
            return Vec::new();
        }
        state.seen = recorded.sequence;
        let process = Key::parse(Self::NAME).expect("the name is a key");
        let runs_out = |(order, lacking): RunsOut| {
            let command = OrderCommand::ShortStock {
                short: Uuid::new_v5(&recorded.event_id, order.uuid().as_bytes()),
                lacking,
                answer_by: recorded.recorded_at + flags.short_answer.span(),
                by: Actor::System {
                    process: process.clone(),
                },
            };
            Effect::Command {
                command: AnyCommand::Order(order.uuid(), command),
            }
        };
        short.into_iter().map(runs_out).collect()
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
            let expected = short_of(&event.recorded.event).len();
            let effects = StockShorts::react(&mut state, &event, &flags);
            assert_eq!(effects.len(), expected);
            assert_eq!(StockShorts::instance(&event).is_some(), expected > 0);
            assert!(StockShorts::react(&mut state, &event, &flags).is_empty());
            told += expected;
        }
        assert_eq!(
            told, 3,
            "a count, a loss, and an order for later that is released"
        );
    }
}
