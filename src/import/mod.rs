//! `ramen import`: shops from public registers and maps, through the public API.

mod korean_register;
mod opening_hours;
mod opening_hours_tokens;
mod openstreetmap;
mod records;
mod rows;
mod week;
