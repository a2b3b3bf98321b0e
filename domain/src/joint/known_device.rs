//! Whether a device that names itself is one of the shop's.

use crate::decider::{Class, Fault, Rejection};
use crate::kernel::fault::Pointer;
use crate::kernel::text::Name;
use crate::restaurant::restaurant::Restaurant;

/// The shop has no device of that name. How the others are called is told to nobody who guesses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shop has {known} devices, and none of this name")]
pub struct DeviceUnknown {
    /// How many devices the shop has.
    pub known: usize,
}

impl Rejection for DeviceUnknown {
    fn code(&self) -> &'static str {
        "device_unknown"
    }

    fn class(&self) -> Class {
        Class::Unprocessable
    }

    fn faults(&self) -> Vec<Fault> {
        let at = Pointer::root().at("device");
        vec![Fault::new(self.code(), &at, self.to_string())]
    }
}

/// Whether the shop has a device of this name.
///
/// # Errors
/// [`DeviceUnknown`].
pub fn known_device(shop: &Restaurant, name: &Name) -> Result<(), DeviceUnknown> {
    let devices = || {
        shop.shop()
            .into_iter()
            .flat_map(|shop| shop.devices.values())
    };
    if devices().any(|device| device.name == *name) {
        Ok(())
    } else {
        let known = devices().count();
        Err(DeviceUnknown { known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::{Event as _, replay};
    use crate::restaurant::restaurant::RestaurantEvent;

    #[test]
    fn a_device_is_known_by_the_name_that_the_shop_gave_it() {
        let added = |event: &RestaurantEvent| {
            matches!(
                event,
                RestaurantEvent::Registered(_) | RestaurantEvent::DeviceAdded { .. }
            )
        };
        let mut events = RestaurantEvent::samples();
        events.retain(added);
        let shop: Restaurant = replay(&events);
        let name = |text: &str| Name::parse(text).unwrap();
        assert_eq!(known_device(&shop, &name("Kitchen tablet")), Ok(()));
        let unknown = known_device(&shop, &name("kitchen tablet")).unwrap_err();
        assert_eq!(unknown.known, 1);
        assert_eq!(unknown.faults()[0].pointer, "/device");
        assert!(!unknown.to_string().contains("Kitchen"));
        let none = known_device(&Restaurant::default(), &name("Kitchen tablet"));
        assert_eq!(none, Err(DeviceUnknown { known: 0 }));
    }
}
