//! Journeys, told as people would tell them.

mod again;
mod amending;
mod bowl_to_door;
mod changes;
mod couriers;
mod crowd;
mod day;
mod doors;
mod full_kitchen;
mod guests;
mod large_menu;
mod later;
mod no_bowl;
mod promotions;
mod unreachable;
