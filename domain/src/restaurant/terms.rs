//! On what terms a shop sells: who the seller is, how its prices are taxed, what the marketplace keeps.

use std::collections::HashSet;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::commission::{CommissionBase, CommissionPlan};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::money::{BasisPoints, Price};
use crate::kernel::tax::{FulfilmentKind, TaxClass};
use crate::kernel::text::Name;

/// The rates of one shop: six classes, two ways, and some history.
const RATES_MAX: usize = 200;
/// The commission plans of one shop.
const PLANS_MAX: usize = 50;

/// On what terms the shop sells; copied into each order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Terms {
    /// The legal seller.
    #[schema(inline)]
    pub seller: Name,
    /// The seller's tax number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub tax_id: Option<Name>,
    /// How its prices are taxed.
    pub tax: Tax,
    /// What the marketplace keeps of the dishes while no plan says otherwise.
    #[schema(inline)]
    pub commission_bp: BasisPoints,
    /// Plans that were agreed on; the one that begins last on or before a service date holds on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commission_plans: Vec<CommissionPlan>,
    /// A fee on small orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_order: Option<SmallOrder>,
    /// A fee for packaging, on each order.
    #[schema(inline)]
    pub packaging_fee_minor: Price,
    /// What the marketplace asks of the customer for its service, as a part of the dishes.
    #[serde(default, skip_serializing_if = "BasisPoints::is_zero")]
    #[schema(inline)]
    pub service_fee_bp: BasisPoints,
}

/// Tax on dishes and fees: two rates that hold for everything, and those of single classes that beat them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Tax {
    /// Whether prices contain it.
    pub mode: TaxMode,
    /// The rate on food and drink.
    #[schema(inline)]
    pub food_bp: BasisPoints,
    /// The rate on everything else: alcohol, which reduced rates on food leave out, and fees.
    #[schema(inline)]
    pub fee_bp: BasisPoints,
    /// Rates of single classes. One for the order's fulfilment beats one for both; of equals, the latest begun holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<TaxRate>,
}

/// The rate of one class of goods or services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TaxRate {
    /// What it is for.
    pub class: TaxClass,
    /// For which fulfilment; for both when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilment: Option<FulfilmentKind>,
    /// The service date from which it holds; from the beginning when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The rate.
    #[schema(inline)]
    pub rate_bp: BasisPoints,
}

/// Whether prices contain tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxMode {
    /// They do.
    Inclusive,
    /// It comes on top.
    Exclusive,
}

/// A fee when the dishes come to less than a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct SmallOrder {
    /// The limit.
    #[schema(inline)]
    pub below_minor: Price,
    /// The fee.
    #[schema(inline)]
    pub fee_minor: Price,
}

crate::collect_struct!(Terms {
    seller,
    tax_id,
    tax,
    commission_bp,
    commission_plans = Vec::new(),
    small_order,
    packaging_fee_minor,
    service_fee_bp = BasisPoints::default(),
});
crate::collect_struct!(Tax {
    mode,
    food_bp,
    fee_bp,
    rates = Vec::new(),
});
crate::collect_struct!(TaxRate {
    class,
    fulfilment,
    from,
    rate_bp
});
crate::collect_struct!(SmallOrder {
    below_minor,
    fee_minor
});
crate::kernel::collect::leaf!(TaxMode => "tax_mode_unknown");

impl Terms {
    /// The rate of tax on a class of goods or services, when they are delivered or fetched, on a service date.
    pub fn rate(&self, class: TaxClass, delivered: bool, date: NaiveDate) -> BasisPoints {
        let kind = FulfilmentKind::of(delivered);
        self.tax
            .rates
            .iter()
            .filter(|rate| rate.class == class)
            .filter(|rate| rate.fulfilment.is_none_or(|of| of == kind))
            .filter(|rate| rate.from.is_none_or(|from| from <= date))
            .max_by_key(|rate| (rate.fulfilment.is_some(), rate.from))
            .map_or_else(|| self.tax.base_rate(class), |rate| rate.rate_bp)
    }

    /// The commission plan on a service date.
    pub fn commission_on(&self, date: NaiveDate) -> CommissionPlan {
        self.commission_plans
            .iter()
            .filter(|plan| plan.from.is_none_or(|from| from <= date))
            .max_by_key(|plan| plan.from)
            .copied()
            .unwrap_or(CommissionPlan {
                from: None,
                rate_bp: self.commission_bp,
                base: CommissionBase::Dishes,
                fixed_minor: Price::ZERO,
            })
    }

    /// No two rates and no two plans for the same case, and no more of them than anybody needs.
    pub(super) fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let root = Pointer::root();
        each_once(
            (self.tax.rates.iter()).map(|rate| (rate.class, rate.fulfilment, rate.from)),
            RATES_MAX,
            ("tax_rates_too_many", "tax_rate_repeated"),
            &root.at("tax").at("rates"),
            &mut faults,
        );
        each_once(
            self.commission_plans.iter().map(|plan| plan.from),
            PLANS_MAX,
            ("commission_plans_too_many", "commission_plan_repeated"),
            &root.at("commission_plans"),
            &mut faults,
        );
        faults.or(())
    }
}

impl Tax {
    fn base_rate(&self, class: TaxClass) -> BasisPoints {
        match class {
            TaxClass::Food | TaxClass::Drink => self.food_bp,
            TaxClass::Alcohol | TaxClass::Packaging | TaxClass::Delivery | TaxClass::Service => {
                self.fee_bp
            }
        }
    }
}

/// Notes a list that is too long, and each element whose case stood there before.
fn each_once<K: std::hash::Hash + Eq>(
    cases: impl ExactSizeIterator<Item = K>,
    most: usize,
    (too_many, repeated): (&str, &str),
    at: &Pointer,
    faults: &mut Faults,
) {
    if cases.len() > most {
        faults.add(too_many, at, format!("there are at most {most}"));
    }
    let mut seen = HashSet::new();
    for (index, case) in cases.enumerate() {
        if !seen.insert(case) {
            faults.add(
                repeated,
                &at.at(index),
                "this case stands there already, further up",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::collect::collect;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Japan: food to take away 8 %, everything else 10 %; from April 2027 food that is fetched 5 %.
    fn terms() -> Terms {
        collect(&json!({
            "seller": "Menya Umi K.K.", "packaging_fee_minor": 0, "commission_bp": 1500,
            "commission_plans": [
                {"from": "2027-01-01", "rate_bp": 1200, "base": "sales", "fixed_minor": 20},
                {"from": "2026-06-01", "rate_bp": 1400}],
            "tax": {"mode": "inclusive", "food_bp": 800, "fee_bp": 1000, "rates": [
                {"class": "food", "from": "2027-10-01", "rate_bp": 900},
                {"class": "food", "fulfilment": "pickup", "from": "2027-04-01", "rate_bp": 500},
                {"class": "delivery", "rate_bp": 0}]}
        }))
        .unwrap()
    }

    #[test]
    fn a_rate_goes_by_class_fulfilment_and_date() {
        let terms = terms();
        let rate = |class, delivered, on: &str| terms.rate(class, delivered, date(on)).get();
        assert_eq!(rate(TaxClass::Food, true, "2026-11-20"), 800);
        assert_eq!(rate(TaxClass::Drink, true, "2026-11-20"), 800);
        assert_eq!(rate(TaxClass::Alcohol, true, "2026-11-20"), 1000);
        assert_eq!(rate(TaxClass::Packaging, false, "2026-11-20"), 1000);
        assert_eq!(rate(TaxClass::Delivery, true, "2026-11-20"), 0);
        assert_eq!(rate(TaxClass::Food, false, "2027-03-31"), 800);
        assert_eq!(rate(TaxClass::Food, false, "2027-04-01"), 500);
        assert_eq!(rate(TaxClass::Food, true, "2027-10-01"), 900);
        assert_eq!(
            rate(TaxClass::Food, false, "2027-10-01"),
            500,
            "the rate of the fulfilment beats the later one for both"
        );
    }

    #[test]
    fn the_plan_that_began_last_holds() {
        let terms = terms();
        let rate = |on: &str| terms.commission_on(date(on)).rate_bp.get();
        assert_eq!(rate("2026-05-31"), 1500);
        assert_eq!(rate("2026-06-01"), 1400);
        assert_eq!(rate("2027-01-01"), 1200);
        assert_eq!(
            terms.commission_on(date("2027-01-01")).base,
            CommissionBase::Sales
        );
    }

    #[test]
    fn the_same_case_twice_is_refused_with_its_place() {
        let mut terms = terms();
        terms.tax.rates.push(terms.tax.rates[1]);
        terms.commission_plans.push(terms.commission_plans[0]);
        let faults = terms.check().unwrap_err().0;
        let found: Vec<_> = faults
            .iter()
            .map(|fault| (fault.code.as_str(), fault.pointer.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("tax_rate_repeated", "/tax/rates/3"),
                ("commission_plan_repeated", "/commission_plans/2")
            ]
        );
    }
}
