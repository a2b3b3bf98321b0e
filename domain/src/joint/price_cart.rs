//! What a cart costs, contains and promises, or everything that stands against it.

use std::collections::BTreeMap;

use super::priced_line::{PricedLine, priced};
use super::{Market, tax};
use crate::kernel::allergen::{Presence, mixture};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::geo::GeoPoint;
use crate::kernel::key::Key;
use crate::kernel::money::{BasisPoints, Price};
use crate::kernel::quantity::{Amount, IngredientAmount, Minutes};
use crate::ordering::cart::{Cart, CartBody};
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::OrderLine;
use crate::ordering::quote::{
    Party, PromiseMinutes, Quote, QuoteContent, QuoteLine, QuoteLineKind,
};
use crate::payment::minimum::minimum_charge_minor;
use crate::restaurant::menu::TaxClass;
use crate::restaurant::restaurant::{LiveShop, Terms, Zone};

/// Prices a cart. `place` is the door's pin, opened by the caller, when the cart is to be delivered.
///
/// # Errors
/// Every refusal, each with its pointer into the cart.
pub fn price_cart(
    cart: &Cart,
    place: Option<GeoPoint>,
    market: &Market<'_>,
) -> Result<Quote, Faults> {
    let root = Pointer::root();
    let Cart::Open(body) = cart else {
        let mut faults = Faults::default();
        faults.add("cart_not_open", &root, "the cart is not open");
        return Err(faults);
    };
    let mut faults = Faults::default();
    if market.now >= body.expires_at {
        faults.add(
            "cart_expired",
            &root,
            "the cart has expired; open a new one",
        );
    }
    let live = check_shop(market, &mut faults);
    let zone = check_fulfilment(body, place, live.as_ref(), &mut faults);
    let lines = check_lines(body, market, &mut faults);
    let needs = check_stock(&lines, market, &mut faults);
    let (Some(live), true) = (live, faults.is_empty()) else {
        return Err(faults);
    };
    let priced = Priced {
        body,
        live,
        zone,
        lines,
        needs,
    };
    let quote = priced.quote(market).ok_or_else(|| {
        let mut faults = Faults::default();
        faults.add(
            "amount_overflow",
            &root,
            "this comes to more than can be counted",
        );
        faults
    })?;
    priced.check_limits(&quote, &mut faults);
    faults.or(quote)
}

/// The shop sells now, in one currency.
fn check_shop<'a>(market: &Market<'a>, faults: &mut Faults) -> Option<LiveShop<'a>> {
    let at = Pointer::root().at("restaurant");
    let Some(live) = market.shop.live() else {
        faults.add("shop_not_live", &at, "the shop does not sell");
        return None;
    };
    if live.is_paused(market.now) {
        faults.add("shop_paused", &at, "the shop takes no orders for now");
    }
    if !live.is_open(market.now) {
        faults.add("shop_closed", &at, "the shop is closed");
    }
    let menu_currency = market.menu.published().map(|menu| menu.document().currency);
    if menu_currency.is_some_and(|currency| currency != live.profile.currency) {
        faults.add(
            "currency_mismatch",
            &at,
            "the menu is in another currency than the shop",
        );
    }
    Some(live)
}

/// It is said how the order reaches the customer, and the shop delivers there.
fn check_fulfilment<'a>(
    body: &CartBody,
    place: Option<GeoPoint>,
    live: Option<&LiveShop<'a>>,
    faults: &mut Faults,
) -> Option<&'a Zone> {
    let at = Pointer::root().at("fulfilment");
    match (&body.fulfilment, place) {
        (None, _) => {
            faults.add("fulfilment_missing", &at, "choose delivery or pickup");
            None
        }
        (Some(Fulfilment::Pickup), _) => None,
        (Some(Fulfilment::Delivery { .. }), None) => {
            faults.add(
                "address_missing",
                &at.at("address"),
                "the address has no place on the map",
            );
            None
        }
        (Some(Fulfilment::Delivery { .. }), Some(place)) => {
            let zone = live?.zone_at(place);
            if zone.is_none() {
                faults.add(
                    "out_of_zone",
                    &at.at("address"),
                    "the shop does not deliver there",
                );
            }
            zone
        }
    }
}

fn check_lines(body: &CartBody, market: &Market<'_>, faults: &mut Faults) -> Vec<PricedLine> {
    let at = Pointer::root().at("lines");
    if body.lines.is_empty() {
        faults.add("empty_cart", &at, "the cart is empty");
    }
    let Some(menu) = market.menu.published() else {
        faults.add(
            "menu_missing",
            &Pointer::root().at("restaurant"),
            "the shop has no menu",
        );
        return Vec::new();
    };
    let is_delivery = body
        .fulfilment
        .as_ref()
        .is_some_and(Fulfilment::is_delivery);
    body.lines
        .iter()
        .filter_map(|line| priced(line, menu, is_delivery, faults))
        .collect()
}

/// Everything the lines take, summed over those that share an ingredient, is there.
fn check_stock(
    lines: &[PricedLine],
    market: &Market<'_>,
    faults: &mut Faults,
) -> BTreeMap<Key, Amount> {
    let mut needs: BTreeMap<Key, Amount> = BTreeMap::new();
    for (ingredient, amount) in lines.iter().flat_map(|line| &line.needs) {
        let sum = needs.entry(ingredient.clone()).or_default();
        if let Some(more) = sum.checked_add(*amount) {
            *sum = more;
        } else {
            let detail = format!("this takes more {ingredient} than can be counted");
            faults.add("amount_overflow", &Pointer::root().at("lines"), detail);
        }
    }
    let wanted = needs
        .iter()
        .map(|(ingredient, amount)| (ingredient, amount.get()));
    for ingredient in market.stock.lacking(wanted, market.now) {
        for line in lines
            .iter()
            .filter(|line| line.needs.contains_key(ingredient))
        {
            let at = Pointer::root().at("lines").at(line.line.line);
            faults.add(
                "out_of_stock",
                &at,
                format!("there is not enough {ingredient}"),
            );
        }
    }
    needs
}

/// A cart without faults so far.
struct Priced<'a> {
    body: &'a CartBody,
    live: LiveShop<'a>,
    zone: Option<&'a Zone>,
    lines: Vec<PricedLine>,
    needs: BTreeMap<Key, Amount>,
}

impl Priced<'_> {
    /// The quote; nothing when an amount overflows.
    fn quote(&self, market: &Market<'_>) -> Option<Quote> {
        let mut lines = Vec::new();
        for line in &self.lines {
            lines.extend(goods(line, self.live.terms)?);
        }
        let goods_minor = sum(&lines)?;
        lines.extend(self.fees(goods_minor));
        let mode = self.live.terms.tax.mode;
        let tax_included_minor = tax::apply(mode, &mut lines).ok()?;
        lines.extend(self.tip());
        Some(Quote::new(QuoteContent {
            currency: self.live.profile.currency,
            seller_name: self.live.terms.seller.clone(),
            total_minor: sum(&lines)?,
            lines,
            tax_included_minor,
            allergens: self.allergens(),
            promise: self.promise(market),
            items: self.lines.iter().map(|line| line.line.clone()).collect(),
            needs: self
                .needs
                .iter()
                .map(|(ingredient, amount)| IngredientAmount {
                    ingredient: ingredient.clone(),
                    amount: *amount,
                })
                .collect(),
        }))
    }

    /// Packaging and the small-order fee are the shop's, delivery is the platform's.
    fn fees(&self, goods_minor: i64) -> Vec<QuoteLine> {
        let terms = self.live.terms;
        let mut fees = Vec::new();
        let mut add = |kind, reference: &str, fee: Price, seller| {
            if fee > Price::ZERO {
                fees.push(fee_line(kind, reference, fee, seller, terms.tax.fee_bp));
            }
        };
        add(
            QuoteLineKind::Packaging,
            "packaging",
            terms.packaging_fee_minor,
            Party::Shop,
        );
        if let Some(small) = terms
            .small_order
            .filter(|small| goods_minor < small.below_minor.minor())
        {
            add(
                QuoteLineKind::SmallOrderFee,
                "small_order",
                small.fee_minor,
                Party::Shop,
            );
        }
        if let Some(zone) = self.zone {
            add(
                QuoteLineKind::DeliveryFee,
                zone.key.as_str(),
                zone.fee_minor,
                Party::Platform,
            );
        }
        fees
    }

    /// All of it goes to the courier, or to the shop when the customer fetches.
    fn tip(&self) -> Option<QuoteLine> {
        let payee = if self.zone.is_some() {
            Party::Courier
        } else {
            Party::Shop
        };
        (self.body.tip_minor > 0).then(|| QuoteLine {
            kind: QuoteLineKind::Tip,
            reference: "tip".to_owned(),
            label: None,
            amount_minor: self.body.tip_minor,
            payer: Party::Customer,
            payee,
            seller: None,
            tax_bp: None,
            tax_minor: 0,
        })
    }

    /// The worst of all lines; what every line declares free is left out.
    fn allergens(&self) -> BTreeMap<crate::kernel::allergen::Allergen, Presence> {
        let mut worst = mixture(self.lines.iter().map(|line| &line.allergens));
        worst.retain(|_, presence| *presence != Presence::Free);
        worst
    }

    /// Bowls boil beside each other and are packed one after the other; a shop never promises faster
    /// than its usual time.
    fn promise(&self, market: &Market<'_>) -> PromiseMinutes {
        let orders = || self.lines.iter().map(|line| &line.line);
        let boiling = |line: &OrderLine| line.bowl.as_ref().map(|bowl| bowl.cook_seconds.get());
        let packing = |line: &OrderLine| {
            let each = line.bowl.as_ref().map_or(0, |bowl| bowl.pack_seconds.get());
            each.saturating_mul(line.quantity.get())
        };
        let slowest = orders().filter_map(boiling).max().unwrap_or(0);
        let seconds = orders().map(packing).fold(slowest, u32::saturating_add);
        let prep = Minutes::new(seconds.div_ceil(60)).max(market.flags.kitchen_prep);
        let travel = self
            .zone
            .map_or(market.flags.pickup_travel, |zone| zone.minutes);
        let min = Minutes::new(prep.get().saturating_add(travel.get()));
        let max = Minutes::new(min.get().saturating_add(market.flags.promise_window.get()));
        PromiseMinutes {
            min,
            max,
            prep,
            travel,
        }
    }

    /// The zone's minimum and the least that can be charged.
    fn check_limits(&self, quote: &Quote, faults: &mut Faults) {
        let goods =
            |line: &&QuoteLine| matches!(line.kind, QuoteLineKind::Item | QuoteLineKind::Option);
        let goods_minor: i64 = quote
            .content
            .lines
            .iter()
            .filter(goods)
            .map(|line| line.amount_minor)
            .sum();
        if let Some(minimum) = self.zone.map(|zone| zone.minimum_minor.minor())
            && goods_minor < minimum
        {
            let detail =
                format!("dishes must come to {minimum} minor units; they come to {goods_minor}");
            faults.add("below_minimum", &Pointer::root().at("lines"), detail);
        }
        let least = minimum_charge_minor(quote.content.currency);
        if (1..least).contains(&quote.content.total_minor) {
            let detail = format!("the least that can be charged is {least} minor units");
            faults.add("below_payment_minimum", &Pointer::root(), detail);
        }
    }
}

fn sum(lines: &[QuoteLine]) -> Option<i64> {
    lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor))
}

/// The lines of an item and of its options that cost something.
fn goods(priced: &PricedLine, terms: &Terms) -> Option<Vec<QuoteLine>> {
    let line = &priced.line;
    let pieces = i64::from(line.quantity.get());
    let sold = |kind, reference, label: &_, amount_minor| QuoteLine {
        kind,
        reference,
        label: Some(Clone::clone(label)),
        amount_minor,
        payer: Party::Customer,
        payee: Party::Shop,
        seller: Some(Party::Shop),
        tax_bp: Some(rate(priced.tax_class, terms)),
        tax_minor: 0,
    };
    let amount_minor = line.unit_price_minor.checked_mul(pieces)?;
    let mut lines = vec![sold(
        QuoteLineKind::Item,
        line.line.to_string(),
        &line.name,
        amount_minor,
    )];
    for option in line.options.iter().filter(|option| option.price_minor > 0) {
        let each = option
            .price_minor
            .checked_mul(i64::from(option.quantity.get()))?;
        let reference = format!("{}/{}/{}", line.line, option.group, option.option);
        let amount_minor = each.checked_mul(pieces)?;
        lines.push(sold(
            QuoteLineKind::Option,
            reference,
            &option.name,
            amount_minor,
        ));
    }
    Some(lines)
}

/// Terms know two rates. Alcohol is excluded from reduced rates on food, and takes the rate of fees,
/// which is the standard one.
fn rate(class: TaxClass, terms: &Terms) -> BasisPoints {
    match class {
        TaxClass::Food | TaxClass::Drink => terms.tax.food_bp,
        TaxClass::Alcohol => terms.tax.fee_bp,
    }
}

fn fee_line(
    kind: QuoteLineKind,
    reference: &str,
    fee: Price,
    seller: Party,
    tax_bp: BasisPoints,
) -> QuoteLine {
    QuoteLine {
        kind,
        reference: reference.to_owned(),
        label: None,
        amount_minor: fee.minor(),
        payer: Party::Customer,
        payee: seller,
        seller: Some(seller),
        tax_bp: Some(tax_bp),
        tax_minor: 0,
    }
}
