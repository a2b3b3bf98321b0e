//! The stock lacks what an order holds: its lines run out by as many units as that takes, the last line first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::event::OrderEvent;
use super::super::rejection::OrderRejection;
use super::super::state::OrderBody;
use super::short::Reported;
use crate::kernel::actor::Actor;
use crate::kernel::key::Key;
use crate::kernel::quantity::IngredientAmount;
use crate::ordering::line::LineId;

/// What the stock lacks of what an order holds.
pub(in super::super) struct Lacking {
    pub(in super::super) short: Uuid,
    pub(in super::super) ingredients: Vec<IngredientAmount>,
    pub(in super::super) answer_by: DateTime<Utc>,
    pub(in super::super) by: Actor,
}

impl OrderBody {
    /// Each line that runs out follows the choice that the customer made for it.
    pub(in super::super) fn short_stock(
        &self,
        lacking: &Lacking,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        let running_out = self.running_out(&lacking.ingredients);
        if running_out.is_empty() {
            return Err(OrderRejection::ShortUnknown);
        }
        let (mut left, mut events) = (self.clone(), Vec::new());
        for (index, (line, units)) in running_out.into_iter().enumerate() {
            let reported = Reported {
                short: name_of(lacking.short, index, line),
                line,
                units,
                substitute: None,
                substitute_needs: Vec::new(),
                answer_by: lacking.answer_by,
                by: lacking.by.clone(),
            };
            for event in left.report_short(reported, now)? {
                left.apply(&event);
                events.push(event);
            }
            if left.is_dead() {
                break;
            }
        }
        Ok(events)
    }

    /// The lines that take what is lacking, the last one first, each with as many units as are needed to make up for it.
    /// A bowl that is left out for its noodles needs no broth either.
    fn running_out(&self, lacking: &[IngredientAmount]) -> Vec<(LineId, u32)> {
        let mut out: BTreeMap<Reverse<usize>, (LineId, u32)> = BTreeMap::new();
        for IngredientAmount { ingredient, amount } in lacking {
            let freed = out.values().map(|(line, units)| {
                let each = self.takes(*line, ingredient);
                each.saturating_mul(i64::from(*units))
            });
            let mut lacking = amount.get() - freed.fold(0, i64::saturating_add);
            for (index, line) in self.bill.lines.iter().enumerate().rev() {
                let each = self.takes(line.line, ingredient);
                let (_, units) = out.get(&Reverse(index)).copied().unwrap_or((line.line, 0));
                let open = self.open_units(line.line).saturating_sub(units);
                if lacking <= 0 || each <= 0 || open == 0 {
                    continue;
                }
                let wanted = lacking.saturating_add(each - 1) / each;
                let more = u32::try_from(wanted).unwrap_or(u32::MAX).min(open);
                lacking = lacking.saturating_sub(each.saturating_mul(i64::from(more)));
                out.insert(Reverse(index), (line.line, units + more));
            }
        }
        out.into_values().collect()
    }

    /// How much of an ingredient one of a line takes.
    fn takes(&self, line: LineId, ingredient: &Key) -> i64 {
        let of_line = self.needs.iter().filter(|needs| needs.line == line);
        let needs = of_line.flat_map(|needs| &needs.of_one);
        let of_it = needs.filter(|need| need.ingredient == *ingredient);
        of_it.map(|need| need.amount.get()).sum()
    }
}

/// The first line has the shortage's own name; others have names made of it.
fn name_of(short: Uuid, index: usize, line: LineId) -> Uuid {
    if index == 0 {
        short
    } else {
        Uuid::new_v5(&short, line.to_string().as_bytes())
    }
}
