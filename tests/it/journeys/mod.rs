//! Journeys, told as people would tell them.

mod bowl_to_door;
mod crowd;
mod no_bowl;
