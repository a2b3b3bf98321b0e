//! What an order comes to once it is amended. What the customer keeps stays at the prices, rates and fees that were
//! copied at checkout; what is new is priced by the menu and terms of now; promotions are judged again on the whole.

use std::collections::BTreeMap;

use super::checks::{check_fulfilment, check_lines, check_stock, lines_of, needs_of};
use super::later::Wish;
use super::promise::work_of;
use super::reach::check_styles;
use super::{Priced, asked_at, check_times, sum};
use crate::joint::Market;
use crate::joint::priced_line::PricedLine;
use crate::kernel::allergen::{Allergen, Declared, Presence};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::geo::GeoPoint;
use crate::kernel::key::Key;
use crate::kernel::quantity::{Amount, IngredientAmount, Minutes, Quantity};
use crate::kernel::tax::TaxClass;
use crate::ordering::cart::{CartBody, CartLine};
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId, OrderLine};
use crate::ordering::order::{OrderBody, OrderStage};
use crate::ordering::quote::{Quote, QuoteLine, QuoteLineKind};
use crate::ordering::window::{Schedule, Window};
use crate::restaurant::restaurant::{LiveShop, Zone};
use strum::VariantArray as _;

/// What a customer wants of an order instead.
#[derive(Clone, Copy, Debug)]
pub(in crate::joint) struct Wanted<'a> {
    /// The order as it is.
    pub(in crate::joint) order: &'a OrderBody,
    /// How many of lines that it has; none leaves a line out, and a line that is not named stays.
    pub(in crate::joint) quantities: &'a BTreeMap<LineId, u32>,
    /// What is new.
    pub(in crate::joint) added: &'a [LineChoice],
    /// How it reaches them.
    pub(in crate::joint) fulfilment: &'a Fulfilment,
    /// The door's pin, when it is brought.
    pub(in crate::joint) place: Option<GeoPoint>,
    /// Whether that is another door.
    pub(in crate::joint) moved: bool,
    /// Another window, of an order that waits for its day.
    pub(in crate::joint) window: Option<Window>,
}

/// Prices an amended order against a market whose stock, kitchen and promotions are free of the order itself.
///
/// # Errors
/// Every refusal, each with its pointer into the request: `/lines/<number>` of the order, `/add/<index>`, `/address`.
pub(in crate::joint) fn price_amended(
    wanted: Wanted<'_>,
    market: &Market<'_>,
) -> Result<Quote, Faults> {
    let mut faults = Faults::default();
    let Some(live) = market.shop.live() else {
        let at = Pointer::root().at("restaurant");
        faults.add("shop_not_live", &at, "the shop does not sell");
        return Err(faults);
    };
    let body = wanted.cart();
    let zone = check_fulfilment(&body, wanted.place, Some(&live), &mut faults);
    let mut lines = wanted.kept(&mut faults);
    let schedule = wanted.schedule(&body, &lines, zone, &live, market, &mut faults);
    let asked = asked_at(schedule.as_ref().filter(|_| wanted.waits()), market);
    if wanted.waits() && faults.is_empty() {
        check_times(&body, Some(&live), &asked, &mut faults);
    }
    if !body.lines.is_empty() {
        lines.extend(check_lines(&body, &asked, &mut faults));
    }
    if lines.is_empty() && faults.is_empty() {
        let detail = "nothing is left; cancel the order instead";
        faults.add("empty_cart", &Pointer::root().at("lines"), detail);
    }
    check_styles(&body, wanted.place, zone, &lines, &mut faults);
    let needs = if wanted.waits() {
        needs_of(&lines, &mut faults)
    } else {
        check_stock(&lines, market, &mut faults)
    };
    if !faults.is_empty() {
        return Err(wanted.of_the_request(faults));
    }
    let priced = Priced {
        body: &body,
        live,
        service_date: wanted.order.terms.service_date,
        schedule,
        zone,
        lines,
        needs,
    };
    let promised = priced
        .promise(market)
        .map_err(|faults| wanted.of_the_request(faults))?;
    let amounts = priced.agreed_amounts(wanted);
    let quote = amounts.and_then(|(amounts, goods_minor)| {
        priced.completed(amounts, goods_minor, market, promised, &mut faults)
    });
    let Some(quote) = quote else {
        let detail = "this comes to more than can be counted";
        faults.add("amount_overflow", &Pointer::root(), detail);
        return Err(faults);
    };
    priced.check_limits(&quote, &mut faults);
    faults.or(quote)
}

impl Wanted<'_> {
    /// Whether its shop was not asked yet.
    fn waits(&self) -> bool {
        self.order.stage == OrderStage::Scheduled
    }

    /// Of an order for later, when it is wanted and when its shop is asked; that stays once it is. The service date, whose
    /// number and kitchen it has, stays too.
    fn schedule(
        &self,
        body: &CartBody,
        kept: &[PricedLine],
        zone: Option<&Zone>,
        live: &LiveShop<'_>,
        market: &Market<'_>,
        faults: &mut Faults,
    ) -> Option<Schedule> {
        let at = Pointer::root().at("fulfilment").at("window");
        let (agreed, true) = (self.order.schedule, self.waits()) else {
            if self.window.is_some() {
                let detail = "only an order that waits for its day gets another window";
                faults.add("window_fixed", &at, detail);
            }
            return self.order.schedule;
        };
        let new = lines_of(body, market);
        let wish = Wish {
            window: self.window.or(agreed.map(|agreed| agreed.window))?,
            work: work_of(kept.iter().chain(&new).map(|line| &line.line)),
            zone,
            is_fetched: body.is_fetched(),
            live,
            notice: Minutes::new(0),
        };
        let schedule = wish.schedule(market, faults)?;
        if live.service_date(schedule.release_at) != Some(self.order.terms.service_date) {
            let detail =
                "the window is of another day; cancel the order, which is free, and order anew";
            faults.add("window_other_day", &at, detail);
        }
        Some(schedule)
    }

    /// The number of the newest line that the order has had.
    fn last_line(&self) -> u32 {
        let order = &self.order;
        let ever = order.terms.lines.iter().chain(&order.bill.lines);
        let needed = order.needs.iter().map(|needs| needs.line.get());
        let numbers = ever.map(|line| line.line.get()).chain(needed);
        numbers.max().unwrap_or(0)
    }

    /// What is new, as a cart.
    fn cart(&self) -> CartBody {
        let terms = &self.order.terms;
        let last = self.last_line();
        let numbers = last.saturating_add(1)..;
        let added = numbers.zip(self.added).map(|(number, choice)| CartLine {
            line: LineId::new(number),
            choice: choice.clone(),
        });
        let lines: Vec<_> = added.collect();
        let tips = self.order.bill.quote.iter();
        let tips = tips.filter(|amount| amount.kind == QuoteLineKind::Tip);
        CartBody {
            customer: terms.customer,
            restaurant: terms.restaurant,
            channel: terms.channel,
            expires_at: terms.expires_at,
            last_line: lines.last().map_or(last, |line| line.line.get()),
            lines,
            fulfilment: Some(self.fulfilment.clone()),
            window: None,
            promotion: None,
            tip_minor: tips
                .map(|tip| tip.amount_minor)
                .fold(0, i64::saturating_add),
        }
    }

    /// The lines that stay, as they were copied.
    fn kept(&self, faults: &mut Faults) -> Vec<PricedLine> {
        for line in self.quantities.keys() {
            if self.order.bill.line(*line).is_none() {
                let at = Pointer::root().at("lines").at(*line);
                faults.add("line_unknown", &at, "the order has no such line");
            }
        }
        let lines = self.order.bill.lines.iter();
        lines
            .filter_map(|line| self.kept_line(line, faults))
            .collect()
    }

    fn kept_line(&self, line: &OrderLine, faults: &mut Faults) -> Option<PricedLine> {
        let quantity = self.quantity_of(line, faults)?;
        let of_one = self
            .order
            .needs
            .iter()
            .find(|needs| needs.line == line.line);
        let of_one = of_one.map_or_else(Vec::new, |needs| needs.of_one.clone());
        let Some(needs) = times(&of_one, quantity) else {
            let at = Pointer::root().at("lines").at(line.line);
            let detail = "this takes more than can be counted";
            faults.add("amount_overflow", &at, detail);
            return None;
        };
        let goods = self.order.bill.goods_of(line.line).next();
        let tax_class = goods.and_then(|amount| amount.tax_class);
        Some(PricedLine {
            line: OrderLine {
                quantity,
                ..line.clone()
            },
            tax_class: tax_class.unwrap_or(TaxClass::Food),
            allergens: shown(self.order),
            needs,
            of_one,
        })
    }

    /// How many of a line are wanted; nothing when it is left out.
    fn quantity_of(&self, line: &OrderLine, faults: &mut Faults) -> Option<Quantity> {
        let wanted = self.quantities.get(&line.line).copied();
        let wanted = wanted.unwrap_or(line.quantity.get());
        let quantity = Quantity::try_from(wanted).ok();
        if quantity.is_none() && wanted > 0 {
            let at = Pointer::root().at("lines").at(line.line);
            faults.add("quantity_out_of_range", &at, "a quantity is 0 to 99");
        }
        quantity
    }

    /// Faults of new lines, as faults of the request's `add`; the address is named as the request does.
    fn of_the_request(&self, mut faults: Faults) -> Faults {
        let last = self.last_line();
        for fault in &mut faults.0 {
            for index in 0..self.added.len() {
                let number = index.saturating_add(1);
                let number = u32::try_from(number)
                    .unwrap_or(u32::MAX)
                    .saturating_add(last);
                let line = format!("/lines/{number}");
                if fault.pointer == line || fault.pointer.starts_with(&format!("{line}/")) {
                    fault.pointer = fault.pointer.replacen(&line, &format!("/add/{index}"), 1);
                }
            }
            fault.pointer = fault.pointer.replacen("/fulfilment/", "/", 1);
        }
        faults
    }
}

impl Priced<'_> {
    /// Goods and fees: those agreed on of what is kept, those of now for what is new. With what the goods come to.
    fn agreed_amounts(&self, wanted: Wanted<'_>) -> Option<(Vec<QuoteLine>, i64)> {
        let bill = &wanted.order.bill;
        let mut amounts = Vec::new();
        for line in &self.lines {
            let number = line.line.line;
            if bill.line(number).is_some() {
                amounts.extend(bill.goods_for(number, line.line.quantity.get())?);
            } else {
                amounts.extend(self.goods(line)?);
            }
        }
        let goods_minor = sum(&amounts)?;
        let is_agreed = |amount: &QuoteLine| match amount.kind {
            QuoteLineKind::Packaging => true,
            QuoteLineKind::DeliveryFee => !wanted.moved,
            QuoteLineKind::Item
            | QuoteLineKind::Option
            | QuoteLineKind::SmallOrderFee
            | QuoteLineKind::ServiceFee
            | QuoteLineKind::Discount
            | QuoteLineKind::Tax
            | QuoteLineKind::Tip => false,
        };
        let agreed = bill.quote.iter().filter(|fee| is_agreed(fee));
        let agreed = agreed.map(|fee| QuoteLine {
            tax_minor: 0,
            ..fee.clone()
        });
        let of_now = self.fees(goods_minor)?;
        let of_now = of_now.into_iter().filter(|fee| !is_agreed(fee));
        let mut fees: Vec<QuoteLine> = agreed.chain(of_now).collect();
        fees.sort_by_key(|fee| fee.kind);
        amounts.append(&mut fees);
        Some((amounts, goods_minor))
    }
}

/// What so many of something take. Nothing when that is more than can be counted.
fn times(of_one: &[IngredientAmount], quantity: Quantity) -> Option<BTreeMap<Key, Amount>> {
    let mut needs: BTreeMap<Key, Amount> = BTreeMap::new();
    for need in of_one {
        let sum = needs.entry(need.ingredient.clone()).or_default();
        *sum = sum.checked_add(need.amount.checked_mul(quantity.get())?)?;
    }
    Some(needs)
}

/// The allergens that the customer was shown; all others were declared free.
fn shown(order: &OrderBody) -> Declared {
    let of = |allergen: &Allergen| order.allergens.get(allergen).copied();
    let all = Allergen::VARIANTS.iter();
    all.map(|allergen| (*allergen, of(allergen).unwrap_or(Presence::Free)))
        .collect()
}
