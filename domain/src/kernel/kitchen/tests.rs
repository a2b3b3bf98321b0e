//! A kitchen at its edges: full slots, large orders, hands that are slower than baskets.

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    // 18:00 UTC on a Friday.
    DateTime::from_timestamp(1_795_197_600 + minute * 60, 0).unwrap()
}

fn capacity(baskets: u32) -> KitchenCapacity {
    KitchenCapacity {
        baskets: baskets.try_into().unwrap(),
        bowls_per_slot: None,
        max_bowls_per_order: None,
    }
}

fn bowls(bowls: u32, cook: u32) -> Vec<Batch> {
    vec![Batch {
        bowls,
        cook: Seconds::new(cook),
    }]
}

fn starts(booking: Option<KitchenBooking>) -> Option<DateTime<Utc>> {
    booking.and_then(|booking| booking.starts())
}

#[test]
fn a_slot_takes_baskets_times_ten_minutes_over_cook_seconds_bowls() {
    let mut kitchen = Kitchen::default();
    let capacity = capacity(2);
    // 2 × 600 ÷ 100 = 12 bowls.
    for _ in 0..12 {
        let booking = kitchen.earliest(&capacity, &bowls(1, 100), at(3), Minutes::new(60));
        let booking = booking.unwrap();
        assert_eq!(booking.starts(), Some(at(0)));
        assert!(kitchen.fits(&capacity, &booking));
        kitchen.book(&booking);
    }
    let next = kitchen.earliest(&capacity, &bowls(1, 100), at(3), Minutes::new(60));
    assert_eq!(starts(next), Some(at(10)));
    let load = kitchen.load(at(0));
    assert_eq!((load.bowls, load.basket_seconds), (12, 1200));
}

#[test]
fn an_order_that_fits_into_one_slot_is_not_torn_apart() {
    let mut kitchen = Kitchen::default();
    let capacity = capacity(1);
    let four = kitchen.earliest(&capacity, &bowls(4, 100), at(0), Minutes::new(60));
    kitchen.book(&four.unwrap());
    let three = kitchen
        .earliest(&capacity, &bowls(3, 100), at(0), Minutes::new(60))
        .unwrap();
    assert_eq!(three.slots.len(), 1);
    assert_eq!(three.starts(), Some(at(10)));
}

#[test]
fn a_large_order_boils_in_waves() {
    let kitchen = Kitchen::default();
    let party = kitchen
        .earliest(&capacity(1), &bowls(14, 100), at(5), Minutes::new(60))
        .unwrap();
    let waves: Vec<_> = (party.slots.iter())
        .map(|slot| (slot.starts, slot.bowls))
        .collect();
    assert_eq!(waves, [(at(0), 6), (at(10), 6), (at(20), 2)]);
    assert_eq!(party.waves().get(), 20);
}

#[test]
fn hands_count_as_well_as_baskets() {
    let slow = KitchenCapacity {
        bowls_per_slot: Some(2.try_into().unwrap()),
        ..capacity(10)
    };
    let mut kitchen = Kitchen::default();
    let raw = |kitchen: &Kitchen| kitchen.earliest(&slow, &bowls(2, 0), at(0), Minutes::new(10));
    kitchen.book(&raw(&kitchen).unwrap());
    assert_eq!(starts(raw(&kitchen)), Some(at(10)));
    kitchen.book(&raw(&kitchen).unwrap());
    assert_eq!(raw(&kitchen), None, "nothing within the horizon");
}

#[test]
fn what_no_kitchen_could_do_by_then_is_not_promised() {
    let kitchen = Kitchen::default();
    let booking = kitchen.earliest(&capacity(1), &bowls(4000, 600), at(0), Minutes::new(120));
    assert_eq!(booking, None);
}

#[test]
fn noodles_that_cook_longer_than_a_slot_take_a_basket_of_it() {
    let kitchen = Kitchen::default();
    let booking = kitchen.earliest(&capacity(1), &bowls(1, 4000), at(0), Minutes::new(0));
    assert_eq!(booking.unwrap().slots[0].basket_seconds, 600);
}

#[test]
fn a_booking_given_back_leaves_nothing() {
    let mut kitchen = Kitchen::default();
    let booking = kitchen
        .earliest(&capacity(1), &bowls(14, 100), at(0), Minutes::new(60))
        .unwrap();
    kitchen.book(&booking);
    kitchen.forget_over(at(10 + 180));
    assert_eq!(kitchen.slots().count(), 2);
    kitchen.give_back(&booking);
    assert_eq!(kitchen, Kitchen::default());
}

#[test]
fn a_lowered_capacity_leaves_no_room_and_takes_nothing_back() {
    let mut kitchen = Kitchen::default();
    let booking = kitchen
        .earliest(&capacity(2), &bowls(12, 100), at(0), Minutes::new(0))
        .unwrap();
    kitchen.book(&booking);
    assert_eq!(capacity(1).left(kitchen.load(at(0))).0, 0);
    let next = kitchen.earliest(&capacity(1), &bowls(1, 100), at(0), Minutes::new(20));
    assert_eq!(starts(next), Some(at(10)));
}

#[test]
fn a_kitchen_survives_json() {
    let mut kitchen = Kitchen::default();
    let booking = kitchen.earliest(&capacity(1), &bowls(9, 90), at(7), Minutes::new(30));
    kitchen.book(&booking.unwrap());
    let text = serde_json::to_string(&kitchen).unwrap();
    assert_eq!(serde_json::from_str::<Kitchen>(&text).unwrap(), kitchen);
    assert!(text.contains(r#""2026-11-20T18:00:00Z""#), "{text}");
}
