//! What the marketplace keeps of a sale: a plan is agreed with the shop and copied into each order.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::money::{BasisPoints, Price};

/// What the marketplace keeps of an order: a rate of a base, and a fixed amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct CommissionPlan {
    /// The service date from which it holds; from the beginning when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The rate.
    #[schema(inline)]
    pub rate_bp: BasisPoints,
    /// What the rate is of.
    #[serde(default)]
    pub base: CommissionBase,
    /// What is kept of each order besides.
    #[serde(default)]
    #[schema(inline)]
    pub fixed_minor: Price,
}

/// What a rate of commission is of.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CommissionBase {
    /// Dishes with their options, as the customer pays them.
    #[default]
    Dishes,
    /// Dishes with their options, without the tax in them.
    DishesNet,
    /// Everything that the shop sells: dishes, packaging and its other fees.
    Sales,
}

impl CommissionPlan {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            from: NaiveDate::from_ymd_opt(2026, 4, 1),
            rate_bp: BasisPoints::try_from(1500).expect("a rate"),
            base: CommissionBase::DishesNet,
            fixed_minor: Price::try_from(30).expect("a price"),
        }
    }

    /// What is kept when the base comes to so much, in minor units; halves away from zero, never more than the base
    /// itself. Nothing when it overflows.
    pub fn of(&self, base_minor: i64) -> Option<i64> {
        let kept = self
            .rate_bp
            .of(base_minor)?
            .checked_add(self.fixed_minor.minor())?;
        Some(kept.min(base_minor).max(0))
    }
}

crate::collect_struct!(CommissionPlan {
    from,
    rate_bp,
    base = CommissionBase::default(),
    fixed_minor = Price::ZERO,
});
super::collect::leaf!(CommissionBase => "commission_base_unknown");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_keeps_its_rate_and_its_fixed_part_and_never_more_than_the_sale() {
        let plan = CommissionPlan {
            from: None,
            rate_bp: 1500.try_into().unwrap(),
            base: CommissionBase::Dishes,
            fixed_minor: 30.try_into().unwrap(),
        };
        assert_eq!(plan.of(1000), Some(180));
        assert_eq!(plan.of(20), Some(20));
        assert_eq!(plan.of(0), Some(0));
    }
}
