//! What runs out, comes later or is fetched after all.

use super::*;

#[test]
fn what_is_short_is_left_out_at_once_unless_the_customer_chose_otherwise() {
    for stage in [OrderStage::Placed, OrderStage::Accepted] {
        let left = at(stage, two_bowls(Shortage::Refund)).done([short(1)]);
        assert_eq!(held(&left), (980, 1));
        assert_eq!(left.state().stage(), stage);
        left.when(short(1)).then_nothing();
    }
    let whole = at(OrderStage::Placed, two_bowls(Shortage::Cancel)).done([short(1)]);
    assert_eq!(whole.state().stage(), OrderStage::Cancelled);
    let nothing_left = at(OrderStage::Placed, two_bowls(Shortage::Refund)).done([short(2)]);
    assert_eq!(nothing_left.state().stage(), OrderStage::Cancelled);
    let nothing_offered = at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([short(1)]);
    assert_eq!(held(&nothing_offered), (980, 1));
}

#[test]
fn more_than_is_open_cannot_be_short() {
    let open = |given: Given<Order>, units| given.when(short(units)).rejection();
    let refused = open(at(OrderStage::Placed, two_bowls(Shortage::Refund)), 3);
    assert_eq!(
        refused,
        OrderRejection::NotSoManyUnits {
            line: LINE,
            open: 2
        }
    );
    assert_eq!(refused.faults()[0].pointer, "/units");
    let packed =
        at(OrderStage::Cooking, two_bowls(Shortage::Refund)).done([boil(BOWL), seal(BOWL)]);
    assert_eq!(
        open(packed, 2),
        OrderRejection::NotSoManyUnits {
            line: LINE,
            open: 1
        }
    );
}

#[test]
fn who_is_asked_answers_once() {
    let asked = at(OrderStage::Placed, two_bowls(Shortage::Ask)).done([short(1)]);
    assert_eq!(held(&asked), (1960, 2), "nothing is decided yet");
    asked
        .clone()
        .when(answer(ShortAnswer::Substitute))
        .then_refused(OrderRejection::NothingOffered);
    let stranger = OrderCommand::AnswerShort {
        short: sample::id(12),
        answer: ShortAnswer::Refund,
        by: Actor::Customer { id: sample::id(42) },
    };
    asked
        .clone()
        .when(stranger)
        .then_refused(OrderRejection::OrderUnknown);
    let left = asked.clone().done([answer(ShortAnswer::Refund)]);
    assert_eq!(held(&left), (980, 1));
    left.clone()
        .when(answer(ShortAnswer::Refund))
        .then_nothing();
    left.when(answer(ShortAnswer::Cancel))
        .then_refused(OrderRejection::ShortSettled);
    let cancelled = asked.done([answer(ShortAnswer::Cancel)]);
    assert_eq!(cancelled.state().stage(), OrderStage::Cancelled);
    at(OrderStage::Placed, two_bowls(Shortage::Ask))
        .when(answer(ShortAnswer::Refund))
        .then_refused(OrderRejection::ShortUnknown);
}

#[test]
fn a_substitute_is_cooked_for_at_most_the_price_of_what_it_replaces() {
    let OrderCommand::Short {
        line,
        units,
        answer_by,
        by,
        ..
    } = short(1)
    else {
        panic!("a shortage")
    };
    let offered = |item: &str, price| {
        let mut substitute = terms().lines.remove(0);
        substitute.item = sample::key(item);
        substitute.unit_price_minor = price;
        OrderCommand::Short {
            short: sample::id(12),
            line,
            units,
            substitute: Some(Box::new(substitute)),
            substitute_needs: Vec::new(),
            answer_by,
            by: by.clone(),
        }
    };
    for (price, total) in [(1200, 1960), (600, 980 + 600)] {
        let instead =
            at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([offered("miso", price)]);
        assert_eq!(held(&instead), (total, 2));
        let body = instead.state().body().unwrap();
        let settled = body.shorts[0].outcome;
        assert_eq!(settled, Some(ShortOutcome::Substituted));
        assert_eq!(body.bill.lines.len(), 2);
    }
    let other = offered("tantan", 600);
    let asked = at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([other]);
    assert_eq!(held(&asked), (1960, 2), "the customer named another dish");
    let taken = asked.done([answer(ShortAnswer::Substitute)]);
    assert_eq!(held(&taken), (980 + 600, 2));
}

#[test]
fn what_the_stock_lacks_runs_out_of_the_last_lines_first() {
    let lacks = |number: u128, amount: i64| OrderCommand::ShortStock {
        short: uuid::Uuid::from_u128(number),
        lacking: vec![IngredientAmount {
            ingredient: sample::key("noodles"),
            amount: amount.try_into().unwrap(),
        }],
        answer_by: test_now() + TimeDelta::minutes(3),
        by: Actor::System {
            process: sample::key("stock_shorts"),
        },
    };
    // One bowl takes 120 g: what is lacking is made up for by whole bowls.
    for stage in [
        OrderStage::AwaitingPayment,
        OrderStage::Placed,
        OrderStage::Accepted,
    ] {
        let short = at(stage, two_bowls(Shortage::Refund)).done([lacks(1, 30)]);
        assert_eq!(held(&short), (980, 1));
        short.clone().when(lacks(1, 30)).then_nothing();
        let over = short.done([lacks(2, 121)]);
        assert_eq!(over.state().stage(), OrderStage::Cancelled);
    }
    let asked = at(OrderStage::Placed, two_bowls(Shortage::Ask)).done([lacks(1, 130)]);
    let found = &asked.state().body().unwrap().shorts[0];
    assert_eq!((found.units, found.outcome), (2, None));
    at(OrderStage::Cooking, two_bowls(Shortage::Refund))
        .when(lacks(1, 30))
        .then_refused(not_allowed(OrderStage::Cooking, Kind::ShortStock));
}

#[test]
fn the_kitchen_does_not_wait_for_an_answer() {
    let asked = at(OrderStage::Accepted, two_bowls(Shortage::Ask)).done([short(1)]);
    let fired = asked.done([OrderCommand::Fire { automatic: true }]);
    assert_eq!(held(&fired), (980, 1));
    let cooking = at(OrderStage::Cooking, two_bowls(Shortage::Ask));
    let ready = cooking.done([boil(BOWL), seal(BOWL), short(1), OrderCommand::Ready]);
    assert_eq!(held(&ready), (980, 1));
}

#[test]
fn a_delay_moves_the_promise_later_and_never_back() {
    let delay = |minutes| OrderCommand::Delay {
        prep_minutes: Minutes::new(minutes),
        reason: sample::reason("broth"),
        party: FaultParty::Shop,
    };
    let later = at(OrderStage::Accepted, terms()).done([delay(20)]);
    let promised = later.state().body().unwrap().promise.latest;
    assert_eq!(promised, test_now() + TimeDelta::minutes(20 + 15 + 10));
    later.clone().when(delay(20)).then_nothing();
    later
        .when(delay(15))
        .then_refused(OrderRejection::NotLater { latest: promised });
}

#[test]
fn who_fetches_after_all_pays_nothing_for_bringing() {
    let mut with_fee = terms();
    with_fee.quote.truncate(1);
    let mut fee = with_fee.quote[0].clone();
    fee.kind = QuoteLineKind::DeliveryFee;
    fee.reference = "zone".to_owned();
    fee.amount_minor = 300;
    with_fee.quote.push(fee);
    with_fee.total = Money::new(1280, with_fee.total.currency());
    let switch = || OrderCommand::SwitchToPickup { by: customer() };
    let ready = at(OrderStage::Ready, with_fee);
    let fetched = ready.done([switch()]);
    assert_eq!(held(&fetched), (980, 1));
    fetched.clone().when(switch()).then_nothing();
    let collected = fetched.clone().done([OrderCommand::Collect]);
    assert_eq!(collected.state().stage(), OrderStage::Delivered);
    let brought = fetched.done([delivered()]);
    assert_eq!(brought.state().stage(), OrderStage::Delivered, "facts win");
    at(OrderStage::Ready, to_collect())
        .when(switch())
        .then_refused(OrderRejection::CustomerCollects);
}
