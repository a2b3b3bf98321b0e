//! Every tunable of the business in one list, with its starting value. Reading an undeclared one does not compile.
//! Scoped overrides with a history come with the Flag aggregate; readers already take a `&Flags`.

use serde::{Deserialize, Serialize};

use super::quantity::{Metres, Minutes, Seconds};

/// What is known of a flag besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagSpec {
    /// Its key.
    pub key: &'static str,
    /// Its starting value, as the list writes it.
    pub default: &'static str,
    /// What the value counts.
    pub unit: &'static str,
    /// Where it may be set differently.
    pub scopes: &'static [&'static str],
    /// Why it is there, and why that value.
    pub reason: &'static str,
}

macro_rules! flags {
    ($($key:ident: $type:ty = $default:expr, $unit:literal, [$($scope:ident),+], $reason:literal;)+) => {
        /// The values in force.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Flags {
            $(#[doc = $reason] pub $key: $type,)+
        }

        impl Default for Flags {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        /// The list, for documentation and for whoever changes a flag.
        pub const FLAGS: &[FlagSpec] = &[$(FlagSpec {
            key: stringify!($key),
            default: stringify!($default),
            unit: $unit,
            scopes: &[$(stringify!($scope)),+],
            reason: $reason,
        },)+];
    };
}

flags! {
    payment_timer: Minutes = Minutes::new(15), "min", [platform, city],
        "How long an order waits for its payment; the hold on stock lives as long.";
    acceptance_timer: Minutes = Minutes::new(5), "min", [platform, city, shop],
        "How long a shop may take to accept before the order is rejected for it.";
    completion_delay: Minutes = Minutes::new(48 * 60), "min", [platform],
        "How long after its end an order stays open for claims and tips.";
    pickup_timer: Minutes = Minutes::new(30), "min", [platform, shop],
        "How long a ready order waits for the customer before the shop may call it not collected.";
    short_answer: Minutes = Minutes::new(3), "min", [platform, city],
        "How long a customer is asked what to do about something that ran out before it is left out.";
    stay_awaiting_payment: Minutes = Minutes::new(20), "min", [platform],
        "How long an order waits for its payment before somebody looks: a little longer than its timer.";
    stay_scheduled: Minutes = Minutes::new(10), "min", [platform],
        "How long after its time an order for later may wait for its release before somebody looks.";
    stay_placed: Minutes = Minutes::new(10), "min", [platform, city],
        "How long a placed order may go unanswered before somebody looks.";
    stay_accepted: Minutes = Minutes::new(60), "min", [platform, city, shop],
        "How long an accepted order may wait for its boiler before somebody looks.";
    stay_cooking: Minutes = Minutes::new(45), "min", [platform, city, shop],
        "How long an order may be on the stove before somebody looks.";
    stay_ready: Minutes = Minutes::new(45), "min", [platform, city, shop],
        "How long a packed order may stand before somebody looks: no bowl is ramen by then.";
    stay_picked_up: Minutes = Minutes::new(60), "min", [platform, city],
        "How long a courier may carry an order before somebody looks.";
    stay_ended: Minutes = Minutes::new(49 * 60), "min", [platform],
        "How long an order that came, or did not, may stay open before somebody looks: a timer closes it after 48 hours.";
    refires_max: u32 = 2, "times", [platform, shop],
        "How often bowls of an order are cooked again before the shop makes it anew or gives it up.";
    remake_answer: Minutes = Minutes::new(10), "min", [platform, city],
        "How long a customer may think about having a bowl made again.";
    schedule_horizon: Minutes = Minutes::new(6 * 24 * 60), "min", [platform, city, shop],
        "How far ahead an order may be wanted: what is reserved at a bank is kept for seven days.";
    cart_life: Minutes = Minutes::new(24 * 60), "min", [platform],
        "How long an untouched cart lives.";
    lines_max: u32 = 50, "lines", [platform, shop],
        "How many lines a cart takes (reliability §7, input).";
    last_order_grace: Minutes = Minutes::new(5), "min", [platform, shop],
        "A checkout before closing stands if the payment follows within this time.";
    pickup_travel: Minutes = Minutes::new(0), "min", [platform],
        "Travel time of an order that the customer fetches.";
    kitchen_prep: Minutes = Minutes::new(12), "min", [platform, city, shop],
        "Time from placed to ready that a quote promises before the shop has said its own.";
    kitchen_horizon: Minutes = Minutes::new(60), "min", [platform, city, shop],
        "How much later than usual a full kitchen may still promise; beyond it, it takes no more orders for now.";
    usual_cook: Seconds = Seconds::new(120), "s", [platform, city, shop],
        "How long the noodles of a bowl cook that is not chosen yet, for the promise before there is a cart.";
    usual_pack: Seconds = Seconds::new(60), "s", [platform, city, shop],
        "How long such a bowl takes from the boiler to sealed.";
    promise_window: Minutes = Minutes::new(10), "min", [platform, city],
        "How wide the promised window is.";
    silence_alert: Seconds = Seconds::new(60), "s", [platform, shop],
        "An order that no device of the shop acknowledges for so long is announced by SMS.";
    unreachable_silence: Minutes = Minutes::new(3), "min", [platform, city, shop],
        "While an order waits and no device of the shop has answered for so long, the shop is paused as unreachable; a device that says nothing for so long is missed.";
    unreachable_rejections: u32 = 2, "orders", [platform, city, shop],
        "So many orders in a row that nobody answers in time pause the shop as unreachable.";
    contact_wait: Minutes = Minutes::new(5), "min", [platform],
        "How long a driver waits at the door before an order is undeliverable.";
    contact_attempts: u32 = 2, "attempts", [platform],
        "How many recorded attempts to reach the customer an undeliverable order needs.";
    pin_tries: u32 = 5, "tries", [platform],
        "Wrong delivery PINs after which a photo is needed instead.";
    pin_correction: Metres = Metres::new(150), "m", [platform, city],
        "How far from the agreed pin a door may be put right without a new quote; farther is another door.";
    proof_distance: Metres = Metres::new(300), "m", [platform, city],
        "How far from the pin a proof of delivery may be taken without being marked as far.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_survive_json_and_take_defaults_for_what_is_left_out() {
        let flags = Flags::default();
        let json = serde_json::to_string(&flags).unwrap();
        assert_eq!(serde_json::from_str::<Flags>(&json).unwrap(), flags);
        let some: Flags = serde_json::from_str(r#"{"payment_timer": 20}"#).unwrap();
        assert_eq!((some.payment_timer.get(), some.lines_max), (20, 50));
        assert!(serde_json::from_str::<Flags>(r#"{"paymnt_timer": 20}"#).is_err());
        assert!(FLAGS.iter().all(|flag| flag.reason.ends_with('.')));
    }
}
