//! Splitting and rates: exact sums, fair parts.

use domain::kernel::money::{BasisPoints, Currency, Money, Price, split};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_split_sums_to_the_whole_and_is_fair(amount in any::<i64>(), weights in prop::collection::vec(0..1_000_000_u64, 1..40)) {
        let total: u64 = weights.iter().sum();
        let parts = split(amount, &weights);
        if total == 0 {
            prop_assert_eq!(parts, None);
            return Ok(());
        }
        let parts = parts.unwrap();
        prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(amount));
        for (part, weight) in parts.iter().zip(&weights) {
            // Within one minor unit of the exact share: |part · total − amount · weight| < total.
            let exact = i128::from(amount) * i128::from(*weight);
            let off = i128::from(*part) * i128::from(total) - exact;
            prop_assert!(off.abs() < i128::from(total));
            prop_assert!(*weight > 0 || *part == 0);
        }
    }

    #[test]
    fn equal_weights_differ_by_at_most_one(amount in 0..i64::MAX, count in 1..50_usize) {
        let parts = split(amount, &vec![1; count]).unwrap();
        prop_assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
        prop_assert!(parts.windows(2).all(|pair| pair[0] >= pair[1]), "odd units go to the earlier parts");
    }

    #[test]
    fn included_tax_and_added_tax_agree(net in 0..1_000_000_000_i64, points in 0..100_001_u32) {
        let rate = BasisPoints::try_from(points).unwrap();
        let gross = net + rate.of(net).unwrap();
        let included = rate.included_in(gross).unwrap();
        prop_assert!((gross - included - net).abs() <= 1, "{} {} {}", net, gross, included);
    }

    #[test]
    fn prices_are_read_exactly_when_in_range(number in any::<i64>()) {
        let read = serde_json::from_str::<Price>(&number.to_string());
        prop_assert_eq!(read.is_ok(), (0..=1_000_000_000_000).contains(&number));
    }

    #[test]
    fn money_adds_as_numbers_do_or_says_no(one in any::<i64>(), other in any::<i64>()) {
        let currency = Currency::parse("TWD").unwrap();
        let sum = Money::new(one, currency).checked_add(Money::new(other, currency));
        prop_assert_eq!(sum.ok().map(Money::amount_minor), one.checked_add(other));
    }
}

#[test]
fn amounts_that_are_no_whole_numbers_are_refused() {
    for bad in [
        "-1",
        "1e3",
        "\"1\"",
        "1.0",
        "NaN",
        "１",
        "9223372036854775808",
        "null",
        "true",
        "[]",
    ] {
        assert!(serde_json::from_str::<Price>(bad).is_err(), "{bad}");
    }
}
