//! What is true of a shop's stock.
//!
//! Of each ingredient the flows are kept (received, adjusted, used, wasted, held); what is on hand and free follows from
//! them: `on hand = received + adjusted − used − wasted`, `free = on hand − held`, never below zero: what is held beyond
//! what is on hand is the shortfall. Evolving saturates, so it cannot overflow.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::event::{InventoryEvent, ShortHold};
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::kitchen::{Kitchen, KitchenBooking};
use crate::kernel::quantity::{Amount, IngredientAmount};

/// How long ended holds and the numbers of past service dates are remembered, in days after the date.
const REMEMBERED_DAYS: i64 = 3;

/// The only stage of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum InventoryStage {
    /// Stock is kept.
    Kept,
}

/// A shop's stock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    stock: HashMap<Key, Stock>,
    holds: HashMap<OrderId, Hold>,
    ended: HashMap<OrderId, Ended>,
    numbers: BTreeMap<NaiveDate, u32>,
    #[serde(default)]
    kitchen: Kitchen,
}

/// The stock of one ingredient, all in its unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Whether it has ever been received or counted. Until then it is never out.
    pub tracked: bool,
    /// All that came in.
    pub received: i64,
    /// What counting added or took away.
    pub adjusted: i64,
    /// All that was cooked.
    pub used: i64,
    /// All that was thrown away.
    pub wasted: i64,
    /// What is set aside for orders that are not fired.
    pub held: i64,
    /// Set while it is out, whatever the count says.
    pub eighty_six: Option<EightySix>,
}

/// An ingredient is out by word of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EightySix {
    /// When it is back by itself.
    pub until: Option<DateTime<Utc>>,
}

/// Stock set aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Where it stands.
    pub stage: HoldStage,
    /// What is set aside, each ingredient once.
    pub needs: Vec<IngredientAmount>,
    /// The order's service date.
    pub service_date: NaiveDate,
    /// The order's number on that date.
    pub number: u32,
    /// When the order's payment timer runs out.
    pub expires_at: DateTime<Utc>,
    /// What of the kitchen it has booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kitchen: Option<KitchenBooking>,
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStage {
    /// Waiting for the payment.
    Open,
    /// Paid.
    Committed,
}

/// How a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HoldEnd {
    /// Its stock was used.
    Consumed,
    /// Its stock became free.
    Released,
}

/// What is remembered of an ended hold, so that a repeated command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    end: HoldEnd,
    service_date: NaiveDate,
}

impl Stock {
    /// What is on the shelf by the books, with what is held.
    pub fn on_hand(&self) -> i64 {
        let came = self.received.saturating_add(self.adjusted);
        came.saturating_sub(self.used).saturating_sub(self.wasted)
    }

    /// What can still be promised; never below zero.
    pub fn free(&self) -> i64 {
        self.on_hand().saturating_sub(self.held).max(0)
    }

    /// What is promised but not there; never below zero.
    pub fn shortfall(&self) -> i64 {
        if self.tracked {
            self.held.saturating_sub(self.on_hand()).max(0)
        } else {
            0
        }
    }

    /// Whether it is out at an instant by word of the shop.
    pub fn is_eighty_sixed(&self, at: DateTime<Utc>) -> bool {
        self.eighty_six
            .is_some_and(|out| out.until.is_none_or(|until| at < until))
    }

    /// Sets what is on the shelf, whatever the books said.
    fn adjust_to(&mut self, counted: i64) {
        self.adjusted = self
            .adjusted
            .saturating_add(counted.saturating_sub(self.on_hand()));
        self.tracked = true;
    }

    /// Takes something off the books; what was not there by the books must have been there all the same.
    fn settle(&mut self) {
        if self.on_hand() < 0 {
            let tracked = self.tracked;
            self.adjust_to(0);
            self.tracked = tracked;
        }
    }
}

impl Inventory {
    /// What can still be promised of an ingredient; nothing when no stock is kept of it, so that it is never out.
    pub fn free(&self, ingredient: &Key) -> Option<i64> {
        self.stock
            .get(ingredient)
            .filter(|stock| stock.tracked)
            .map(Stock::free)
    }

    /// The stock of an ingredient that was ever named here.
    pub fn stock(&self, ingredient: &Key) -> Option<&Stock> {
        self.stock.get(ingredient)
    }

    /// Every ingredient that was ever named here, in no order.
    pub fn stocks(&self) -> impl Iterator<Item = (&Key, &Stock)> {
        self.stock.iter()
    }

    /// The hold of an order that has not ended.
    pub fn hold(&self, hold: OrderId) -> Option<&Hold> {
        self.holds.get(&hold)
    }

    /// How an order's hold ended; forgotten three days after its service date.
    pub fn ended(&self, hold: OrderId) -> Option<HoldEnd> {
        self.ended.get(&hold).map(|ended| ended.end)
    }

    /// The holds that have not ended, in no order.
    pub fn holds(&self) -> impl Iterator<Item = (OrderId, &Hold)> {
        self.holds.iter().map(|(id, hold)| (*id, hold))
    }

    /// What is booked in the kitchen, by orders that were fired too. Slots that are over are forgotten.
    pub fn kitchen(&self) -> &Kitchen {
        &self.kitchen
    }

    /// The orders that lack something when so much of an ingredient is on the shelf, newest first, each with what it
    /// lacks: whoever ordered first is cooked for first.
    pub fn short_holds(&self, ingredient: &Key, on_hand: i64) -> Vec<ShortHold> {
        let held = self.stock.get(ingredient).map_or(0, |stock| stock.held);
        let mut lacking = held.saturating_sub(on_hand.max(0));
        if lacking <= 0 {
            return Vec::new();
        }
        let mut holders: Vec<_> = self
            .holds
            .iter()
            .filter_map(|(id, hold)| {
                let need = hold
                    .needs
                    .iter()
                    .find(|need| need.ingredient == *ingredient)?;
                Some(((hold.service_date, hold.number), *id, need.amount.get()))
            })
            .collect();
        holders.sort_unstable_by_key(|(number, id, _)| std::cmp::Reverse((*number, *id)));
        let mut short = Vec::new();
        for (_, hold, amount) in holders {
            let share = amount.min(lacking);
            if share <= 0 {
                break;
            }
            lacking -= share;
            let amount = Amount::try_from(share).unwrap_or_default();
            short.push(ShortHold { hold, amount });
        }
        short
    }

    /// How many order numbers of a service date are given out.
    pub fn numbers_given(&self, service_date: NaiveDate) -> u32 {
        self.numbers.get(&service_date).copied().unwrap_or(0)
    }

    /// The ingredients of which `needs` takes more than can be promised at an instant. Each ingredient stands once in
    /// `needs`.
    pub fn lacking<'a>(
        &self,
        needs: impl IntoIterator<Item = (&'a Key, i64)>,
        at: DateTime<Utc>,
    ) -> Vec<&'a Key> {
        let lacks = |(ingredient, amount): &(&Key, i64)| {
            self.stock.get(*ingredient).is_some_and(|stock| {
                stock.is_eighty_sixed(at) || (stock.tracked && stock.free() < *amount)
            })
        };
        needs
            .into_iter()
            .filter(lacks)
            .map(|(ingredient, _)| ingredient)
            .collect()
    }

    /// Whether a recipe can be served once at an instant. Each ingredient stands once in a recipe.
    pub fn servable(&self, recipe: &[IngredientAmount], at: DateTime<Utc>) -> bool {
        self.lacking(
            recipe
                .iter()
                .map(|line| (&line.ingredient, line.amount.get())),
            at,
        )
        .is_empty()
    }

    /// How many ingredients have ever been named here.
    pub(super) fn ingredients(&self) -> usize {
        self.stock.len()
    }

    /// What is true after an event.
    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        match event {
            InventoryEvent::Received { ingredient, amount } => {
                let stock = self.entry(ingredient);
                if !stock.tracked {
                    stock.adjust_to(0);
                }
                stock.received = stock.received.saturating_add(amount.get());
            }
            InventoryEvent::Wasted {
                ingredient,
                amount,
                reason: _,
                short: _,
            } => {
                let stock = self.entry(ingredient);
                stock.wasted = stock.wasted.saturating_add(amount.get());
                stock.settle();
            }
            InventoryEvent::Recounted {
                ingredient,
                counted,
                shortfall: _,
                short: _,
            } => {
                self.entry(ingredient).adjust_to(counted.get());
            }
            InventoryEvent::EightySixed { ingredient, until } => {
                self.entry(ingredient).eighty_six = Some(EightySix { until: *until });
            }
            InventoryEvent::EightySixLifted { ingredient } => {
                self.entry(ingredient).eighty_six = None;
            }
            InventoryEvent::HoldOpened {
                hold,
                needs,
                service_date,
                number,
                expires_at,
                kitchen,
            } => {
                self.forget_before(*expires_at);
                self.set_aside(needs, kitchen.as_ref());
                let given = self.numbers.entry(*service_date).or_default();
                *given = (*given).max(*number);
                let opened = Hold {
                    stage: HoldStage::Open,
                    needs: needs.clone(),
                    service_date: *service_date,
                    number: *number,
                    expires_at: *expires_at,
                    kitchen: kitchen.clone(),
                };
                self.holds.insert(*hold, opened);
            }
            InventoryEvent::HoldChanged {
                hold,
                needs,
                kitchen,
            } => self.change(*hold, needs, kitchen.as_ref()),
            InventoryEvent::HoldFilled { hold, needs, .. } => self.change(*hold, needs, None),
            InventoryEvent::HoldCommitted { hold } => {
                if let Some(hold) = self.holds.get_mut(hold) {
                    hold.stage = HoldStage::Committed;
                }
            }
            InventoryEvent::HoldConsumed { hold } => self.end(*hold, HoldEnd::Consumed),
            InventoryEvent::CookedAgain { needs, .. } => {
                for need in needs {
                    let stock = self.entry(&need.ingredient);
                    stock.wasted = stock.wasted.saturating_add(need.amount.get());
                    stock.settle();
                }
            }
            InventoryEvent::HoldReleased { hold, reason: _ } => self.end(*hold, HoldEnd::Released),
        }
    }

    fn set_aside(&mut self, needs: &[IngredientAmount], kitchen: Option<&KitchenBooking>) {
        for need in needs {
            let stock = self.entry(&need.ingredient);
            stock.held = stock.held.saturating_add(need.amount.get());
        }
        if let Some(booking) = kitchen {
            self.kitchen.book(booking);
        }
    }

    fn change(
        &mut self,
        id: OrderId,
        needs: &[IngredientAmount],
        kitchen: Option<&KitchenBooking>,
    ) {
        let Some(mut hold) = self.holds.remove(&id) else {
            return;
        };
        for need in &hold.needs {
            let stock = self.entry(&need.ingredient);
            stock.held = stock.held.saturating_sub(need.amount.get());
        }
        if let (Some(_), Some(before)) = (kitchen, &hold.kitchen) {
            self.kitchen.give_back(before);
        }
        self.set_aside(needs, kitchen);
        hold.needs = needs.to_vec();
        hold.kitchen = kitchen.cloned().or(hold.kitchen);
        self.holds.insert(id, hold);
    }

    fn entry(&mut self, ingredient: &Key) -> &mut Stock {
        self.stock.entry(ingredient.clone()).or_default()
    }

    fn end(&mut self, id: OrderId, end: HoldEnd) {
        let Some(hold) = self.holds.remove(&id) else {
            return;
        };
        for need in &hold.needs {
            let stock = self.entry(&need.ingredient);
            stock.held = stock.held.saturating_sub(need.amount.get());
            if end == HoldEnd::Consumed {
                stock.used = stock.used.saturating_add(need.amount.get());
                stock.settle();
            }
        }
        // What was fired has had its slots; what came to nothing gives them back.
        if let (HoldEnd::Released, Some(booking)) = (end, &hold.kitchen) {
            self.kitchen.give_back(booking);
        }
        self.ended.insert(
            id,
            Ended {
                end,
                service_date: hold.service_date,
            },
        );
    }

    /// Drops what nobody asks for any more. The expiry of a new hold, minutes ahead of now, stands for the present.
    fn forget_before(&mut self, present: DateTime<Utc>) {
        self.kitchen.forget_over(present);
        let oldest = present.date_naive() - TimeDelta::days(REMEMBERED_DAYS);
        if self
            .numbers
            .keys()
            .next()
            .is_some_and(|date| *date < oldest)
        {
            self.numbers.retain(|date, _| *date >= oldest);
            self.ended.retain(|_, ended| ended.service_date >= oldest);
        }
    }
}
