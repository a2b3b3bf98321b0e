//! What a promotion answers to its commands, each row of the table and each refusal.

use super::command::{PromotionCommand, PromotionCommandKind as Kind};
use super::event::{Issuer, Limits, PromotionEvent, PromotionTerms, Reduction, Target};
use super::rejection::PromotionRejection;
use super::rules::{Inapplicable, Occasion, check_terms};
use super::state::{Promotion, PromotionStage};
use crate::decider::allowed_from;
use crate::kernel::code::PromotionCode;
use crate::kernel::money::Money;
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::testing::{Given, test_now};
use chrono::{NaiveDate, TimeDelta};

fn terms() -> PromotionTerms {
    PromotionTerms::sample()
}

fn create(terms: PromotionTerms) -> PromotionCommand {
    PromotionCommand::Create {
        terms: Box::new(terms),
    }
}

fn limited(total: Option<u32>, per_customer: Option<u32>) -> Given<Promotion> {
    let limits = Limits {
        total,
        per_customer,
    };
    Given::nothing().done([create(PromotionTerms { limits, ..terms() })])
}

fn redeem(order: u128, customer: u128) -> PromotionCommand {
    PromotionCommand::Redeem {
        order: sample::id(order),
        customer: sample::id(customer),
        restaurant: sample::id(2),
        discount: Money::new(98, sample::json(r#""JPY""#)),
    }
}

fn release(order: u128) -> PromotionCommand {
    PromotionCommand::ReleaseRedemption {
        order: sample::id(order),
    }
}

fn occasion() -> Occasion {
    Occasion {
        restaurant: sample::id(2),
        currency: sample::json(r#""JPY""#),
        date: date(20),
        goods_minor: 980,
        customer: Some(sample::id(1)),
    }
}

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

#[test]
fn a_code_is_given_out_once() {
    let given = Given::<Promotion>::nothing()
        .when(create(terms()))
        .then([PromotionEvent::Created(Box::new(terms()))])
        .when(create(terms()))
        .then_nothing();
    let other = PromotionTerms {
        shops: Vec::new(),
        ..terms()
    };
    given
        .clone()
        .when(create(other))
        .then_refused(PromotionRejection::CodeTaken);
    given
        .done([PromotionCommand::End])
        .when(create(terms()))
        .then_refused(PromotionRejection::CodeTaken);
}

#[test]
fn one_code_is_one_promotion_of_its_issuer() {
    let id = |issuer: Issuer, code: &str| issuer.promotion(&PromotionCode::parse(code).unwrap());
    let shop = Issuer::Shop {
        restaurant: sample::id(2),
    };
    assert_eq!(id(shop, "RAMEN10"), id(shop, "ｒａｍｅｎ10 "));
    assert_ne!(id(shop, "ramen10"), id(Issuer::Platform, "ramen10"));
    assert_ne!(id(shop, "ramen10"), id(shop, "ramen11"));
}

#[test]
fn what_does_not_exist_can_only_be_created() {
    for command in [
        PromotionCommand::End,
        redeem(3, 1),
        release(3),
        PromotionCommand::SetLimits {
            limits: Limits::default(),
        },
    ] {
        Given::<Promotion>::nothing()
            .when(command)
            .then_refused(PromotionRejection::PromotionUnknown);
    }
}

#[test]
fn an_order_redeems_once_and_gives_back_once() {
    let used = limited(Some(1), None).done([redeem(3, 1)]);
    used.clone().when(redeem(3, 1)).then_nothing();
    used.clone()
        .when(redeem(4, 9))
        .then_refused(PromotionRejection::Inapplicable(Inapplicable::UsedUp));
    let back = used
        .when(release(3))
        .then([PromotionEvent::RedemptionReleased {
            order: sample::id(3),
            customer: sample::id(1),
            at: test_now(),
        }]);
    let back = back.when(release(3)).then_nothing();
    assert_eq!(back.state().body().unwrap().redeemed, 0);
    assert!(back.state().body().unwrap().by_customer.is_empty());
    assert_eq!(back.when(redeem(4, 9)).events().len(), 1);
}

#[test]
fn a_customer_has_a_limit_of_their_own() {
    let used = limited(None, Some(1)).done([redeem(3, 1)]);
    used.clone()
        .when(redeem(4, 1))
        .then_refused(PromotionRejection::Inapplicable(
            Inapplicable::UsedUpByCustomer,
        ));
    let freed = used.done([redeem(5, 9), release(3)]);
    assert_eq!(freed.when(redeem(6, 1)).events().len(), 1);
}

#[test]
fn an_ended_promotion_still_takes_back_what_was_not_paid() {
    let ended = limited(Some(1), None).done([redeem(3, 1), PromotionCommand::End]);
    ended.clone().when(PromotionCommand::End).then_nothing();
    let refused = |command| {
        PromotionRejection::NotAllowed(NotAllowed {
            stage: PromotionStage::Ended,
            command,
            allowed: allowed_from::<Promotion>(PromotionStage::Ended),
        })
    };
    ended
        .clone()
        .when(redeem(4, 9))
        .then_refused(refused(Kind::Redeem));
    let limits = PromotionCommand::SetLimits {
        limits: Limits::default(),
    };
    ended
        .clone()
        .when(limits)
        .then_refused(refused(Kind::SetLimits));
    assert_eq!(ended.when(release(3)).events().len(), 1);
}

#[test]
fn what_is_forgotten_is_counted_still() {
    let old = limited(Some(2), None).done([redeem(3, 1)]);
    let later = old
        .at(test_now() + TimeDelta::days(22))
        .done([redeem(4, 9)]);
    assert_eq!(later.state().body().unwrap().orders.len(), 1);
    later.clone().when(release(3)).then_nothing();
    later
        .when(redeem(5, 8))
        .then_refused(PromotionRejection::Inapplicable(Inapplicable::UsedUp));
}

#[test]
fn a_limit_is_not_set_below_what_was_redeemed() {
    let set = |total, per_customer| PromotionCommand::SetLimits {
        limits: Limits {
            total,
            per_customer,
        },
    };
    let used = limited(None, None).done([redeem(3, 1), redeem(4, 1), redeem(5, 9)]);
    for (command, redeemed, limit) in [
        (set(Some(2), None), 3, "total"),
        (set(None, Some(1)), 2, "per_customer"),
    ] {
        used.clone()
            .when(command)
            .then_refused(PromotionRejection::LimitBelowRedeemed { redeemed, limit });
    }
    used.clone().when(set(None, None)).then_nothing();
    let rejection = used.clone().when(set(Some(0), None)).rejection();
    assert!(matches!(rejection, PromotionRejection::TermsRefused(_)));
    let tight = used.done([set(Some(3), Some(2))]);
    tight
        .when(redeem(6, 8))
        .then_refused(PromotionRejection::Inapplicable(Inapplicable::UsedUp));
}

#[test]
fn it_holds_within_its_terms_alone() {
    let promotion = limited(Some(2), Some(1));
    let holds = |occasion: Occasion| promotion.state().applicable(&occasion).err();
    assert_eq!(holds(occasion()), None);
    let cases = [
        (
            Occasion {
                restaurant: sample::id(7),
                ..occasion()
            },
            Inapplicable::NotHere,
        ),
        (
            Occasion {
                currency: sample::json(r#""EUR""#),
                ..occasion()
            },
            Inapplicable::NotHere,
        ),
        (
            Occasion {
                date: date(15),
                ..occasion()
            },
            Inapplicable::NotYet(date(16)),
        ),
        (
            Occasion {
                date: date(23),
                ..occasion()
            },
            Inapplicable::Over(date(22)),
        ),
        (
            Occasion {
                goods_minor: 799,
                ..occasion()
            },
            Inapplicable::BelowMinimum(800),
        ),
    ];
    for (occasion, why) in cases {
        assert_eq!(holds(occasion), Some(why));
    }
    let used = promotion.clone().done([redeem(3, 1)]);
    let again = used.state().applicable(&occasion()).err();
    assert_eq!(again, Some(Inapplicable::UsedUpByCustomer));
    let stranger = Occasion {
        customer: None,
        ..occasion()
    };
    assert!(used.state().applicable(&stranger).is_ok());
    let ended = promotion.done([PromotionCommand::End]);
    let after = ended.state().applicable(&occasion()).err();
    assert_eq!(after, Some(Inapplicable::Ended));
    let never = Promotion::default().applicable(&occasion()).err();
    assert_eq!(never, Some(Inapplicable::Unknown));
}

#[test]
fn terms_are_refused_with_all_their_faults() {
    let bad = PromotionTerms {
        issuer: Issuer::Shop {
            restaurant: sample::id(2),
        },
        target: Target::Items { items: Vec::new() },
        reduction: Reduction::Percentage {
            rate_bp: sample::json("10001"),
        },
        currency: None,
        platform_bp: sample::json("10001"),
        limits: Limits {
            total: Some(0),
            per_customer: Some(0),
        },
        first_date: Some(date(22)),
        last_date: Some(date(21)),
        shops: vec![sample::id(2), sample::id(2)],
        ..terms()
    };
    let faults = check_terms(&bad).unwrap_err();
    let places: Vec<String> = faults
        .0
        .iter()
        .map(|fault| format!("{} {}", fault.code, fault.pointer))
        .collect();
    assert_eq!(
        places,
        [
            "rate_out_of_range /reduction/rate_bp",
            "currency_missing /currency",
            "share_above_whole /platform_bp",
            "dates_reversed /last_date",
            "limit_of_none /limits/total",
            "limit_of_none /limits/per_customer",
            "item_count /target/items",
            "shops_of_a_shop /shops",
            "repeated /shops/1",
        ]
    );
}
