//! Journeys, told as people would tell them.

mod bowl_to_door;
mod couriers;
mod crowd;
mod day;
mod no_bowl;
mod promotions;
