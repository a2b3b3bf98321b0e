//! Couriers of a played day: hired when first needed, sent to shops by the fleet's choice.

use tokio::select;
use uuid::Uuid;

use super::day::Place;
use super::fleet::seconds;
use super::world::{Stop, World};
use crate::client::{Courier, Dispatcher, Person, Role};

/// How long a ready order waits for a courier before ops gives up, in seconds.
const NO_COURIER_S: i64 = 60 * 60;

/// Finds a courier, sends them to the shop and gives who is there; nothing when nobody was free.
pub(super) async fn send_courier(
    world: &World<'_>,
    desk: &Dispatcher,
    delivery: &str,
    ready_s: i64,
    shop: Place,
) -> Result<Option<usize>, Stop> {
    let give_up_s = ready_s + NO_COURIER_S;
    let (index, minutes) = loop {
        let freed = world.fleet.somebody_freed();
        if let Some(found) = world.fleet.take(world.day, shop, world.now_s()) {
            break found;
        }
        if world.now_s() >= give_up_s {
            return Ok(None);
        }
        // Somebody may also come on shift, which nobody announces.
        select! {
            () = freed => {}
            () = world.until(world.now_s() + 60) => {}
        }
    };
    let arrived = async {
        let (driver, courier) = courier(world, index).await?;
        desk.assign(delivery, &driver.to_string()).await?;
        world.until(world.now_s() + seconds(minutes)).await;
        courier.arrive(delivery, "pickup").await?;
        Ok(index)
    };
    match arrived.await {
        Ok(index) => {
            world.fleet.moved(index, shop);
            Ok(Some(index))
        }
        Err(reason) => {
            world.fleet.release(index, shop);
            Err(reason)
        }
    }
}

/// The courier's session; entered into the books and approved when first sent.
pub(super) async fn courier<'world>(
    world: &'world World<'_>,
    index: usize,
) -> Result<&'world (Uuid, Courier), Stop> {
    let hired = world.couriers[index].get_or_try_init(|| async {
        let shift = &world.day.couriers[index];
        let person = Person::named(Role::Driver, &format!("{}/{}", world.day.name, shift.key));
        let courier = Courier(world.scene.door.open(&person).await?);
        let name = format!("Courier {}", shift.key);
        let registered = courier
            .register(&name, world.day.market.phone, shift.vehicle.as_str())
            .await;
        match registered {
            Ok(_) => {}
            Err(fault) if fault.status() == Some(409) => {}
            Err(fault) => return Err(anyhow::Error::from(fault)),
        }
        world.desks[index % world.desks.len()]
            .approve(&person.id.to_string())
            .await?;
        anyhow::Ok((person.id, courier))
    });
    Ok(hired.await?)
}
