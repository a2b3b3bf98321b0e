//! A door is put right: however often, it stays near the one that was agreed, and the courier on the way goes where the
//! order says.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use domain::decider::{Decider as _, Event as _, Rejection as _};
use domain::delivery::delivery::{
    Delivery, DeliveryCommand, DeliveryEvent, DeliveryRejection, DeliveryRequest,
};
use domain::joint::correct_door::{
    CorrectDoorRejection, CorrectedDoor, DoorCorrection, DoorRequest, correct_door, doors,
};
use domain::kernel::actor::Actor;
use domain::kernel::address::Address;
use domain::kernel::flags::Flags;
use domain::kernel::geo::GeoPoint;
use domain::kernel::patch::Patch;
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::{Note, Reason};
use domain::ordering::order::{Order, OrderCommand, OrderEvent};
use domain::testing::context;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

/// An order that cooks, and its transport.
#[derive(Clone, Default)]
struct World {
    order: Order,
    delivery: Delivery,
    /// How many addresses were sealed.
    sealed: u32,
}

fn address() -> Address {
    let text = json!({
        "name": "Lin Mei", "phone": "+886912345678", "street": "Linjiang St 40", "city": "Taipei",
        "country": "TW", "door_note": "ring twice", "pin": { "lat": 25.03, "lon": 121.55 }
    });
    serde_json::from_value(text).unwrap()
}

/// Some micro-degrees to the north and east of the agreed pin.
fn moved(north: i32, east: i32) -> GeoPoint {
    let agreed = address().pin;
    let degrees = |micro: i32| f64::from(micro) / 1_000_000.0;
    GeoPoint::parse(agreed.lat() + degrees(north), agreed.lon() + degrees(east)).unwrap()
}

impl World {
    /// On the stove, with a transport that was asked for.
    fn cooking() -> Self {
        let mut world = Self::default();
        let terms = OrderEvent::samples()
            .into_iter()
            .find_map(|event| match event {
                OrderEvent::CheckedOut(terms) => Some(terms),
                _ => None,
            });
        let request = DeliveryEvent::samples()
            .into_iter()
            .find_map(|event| match event {
                DeliveryEvent::Requested(request) => Some(request),
                _ => None,
            });
        let mut terms = terms.unwrap();
        terms.schedule = None;
        let (payment, prep) = (terms.payment, 12);
        for command in [
            OrderCommand::CheckOut { terms },
            OrderCommand::Authorise { payment },
            OrderCommand::Accept {
                prep_minutes: prep.try_into().unwrap(),
            },
            OrderCommand::Fire { automatic: false },
        ] {
            for event in world.order.decide(command, &context()).unwrap() {
                world.order.evolve(&event);
            }
        }
        let door = world.order.body().unwrap().door().cloned().unwrap();
        let request = DeliveryRequest {
            dropoff: door,
            ..*request.unwrap()
        };
        world.carry(DeliveryCommand::Request {
            request: Box::new(request),
        });
        world
    }

    fn carry(&mut self, command: DeliveryCommand) {
        for event in self.delivery.decide(command, &context()).unwrap() {
            self.delivery.evolve(&event);
        }
    }

    fn correct(&mut self, pin: GeoPoint) -> Result<CorrectedDoor, CorrectDoorRejection> {
        self.sealed += 1;
        let origin = Origin {
            kind: "ordering.order".to_owned(),
            id: Uuid::from_u128(3),
            field: "address".to_owned(),
        };
        let key = Uuid::from_u128(4);
        let customer = self.order.body().unwrap().terms.customer;
        let request = DoorRequest {
            address: Sealed::from_parts(1, key, String::new(), self.sealed.to_string(), origin),
            pin,
            agreed: address().pin,
            by: Actor::Customer { id: customer },
        };
        let (flags, context) = (Flags::default(), context());
        let done = correct_door(&self.order, &self.delivery, request, &flags, &context)?;
        for event in &done.order {
            self.order.evolve(event);
        }
        for event in &done.delivery {
            self.delivery.evolve(event);
        }
        Ok(done)
    }

    fn door(&self) -> Sealed<Address> {
        self.order.body().unwrap().door().cloned().unwrap()
    }
}

#[test]
fn what_is_left_out_stays_and_what_is_so_already_is_no_correction() {
    let known = address();
    let wish = |door_note, pin| DoorCorrection { door_note, pin }.of(&known);
    assert_eq!(wish(Patch::Keep, None), None);
    assert_eq!(wish(Patch::Keep, Some(known.pin)), None);
    let same = Note::parse("ring twice").unwrap();
    assert_eq!(wish(Patch::Set(same), None), None);
    let silent = wish(Patch::Clear, None).unwrap();
    assert_eq!((silent.door_note, silent.pin), (None, known.pin));
    let better = wish(Patch::Keep, Some(moved(100, 0))).unwrap();
    assert_eq!(better.pin, moved(100, 0));
    assert_eq!(
        (&better.door_note, &better.street),
        (&known.door_note, &known.street)
    );
}

#[test]
fn a_transport_that_was_called_off_is_told_nothing_and_one_that_is_done_cannot_be() {
    let mut off = World::cooking();
    off.carry(DeliveryCommand::Cancel {
        reason: Reason::parse("another one").unwrap(),
    });
    let done = off.correct(moved(100, 0)).unwrap();
    assert_eq!((done.order.len(), done.delivery.len()), (1, 0));

    let mut late = World::cooking();
    for event in DeliveryEvent::samples() {
        late.delivery.evolve(&event);
        if matches!(event, DeliveryEvent::Delivered { .. }) {
            break;
        }
    }
    let before = late.door();
    let refused = late.correct(moved(100, 0)).unwrap_err();
    assert!(matches!(
        refused,
        CorrectDoorRejection::Delivery(DeliveryRejection::NotAllowed(_))
    ));
    assert_eq!(late.door(), before);
}

#[test]
fn an_order_that_is_over_opens_no_door() {
    let mut world = World::cooking();
    assert!(doors(&world.order).is_ok());
    let refused = doors(&Order::default()).unwrap_err();
    assert_eq!(refused.code(), "order_unknown");
    let by = Actor::Ops {
        id: Uuid::from_u128(9).into(),
    };
    for event in world
        .order
        .decide(OrderCommand::SwitchToPickup { by }, &context())
        .unwrap()
    {
        world.order.evolve(&event);
    }
    let refused = doors(&world.order).unwrap_err();
    assert_eq!(refused.code(), "customer_collects");
}

proptest! {
    #[test]
    fn many_small_corrections_lead_nowhere_else(
        pins in prop::collection::vec((-3000..3000_i32, -3000..3000_i32), 1..20)
    ) {
        let (mut world, agreed) = (World::cooking(), address().pin);
        let first = world.door();
        let most = Flags::default().pin_correction.get();
        for (north, east) in pins {
            let (pin, before) = (moved(north, east), world.door());
            let far = agreed.distance_m(pin) > most;
            match world.correct(pin) {
                Ok(done) => {
                    prop_assert!(!far);
                    prop_assert_eq!((done.order.len(), done.delivery.len()), (1, 1));
                }
                Err(refused) => {
                    prop_assert!(far);
                    prop_assert_eq!(refused.code(), "pin_too_far");
                    prop_assert_eq!(world.door(), before);
                }
            }
            prop_assert_eq!(&world.delivery.body().unwrap().dropoff, &world.door());
            prop_assert_eq!(doors(&world.order).unwrap().agreed, &first);
        }
    }
}
