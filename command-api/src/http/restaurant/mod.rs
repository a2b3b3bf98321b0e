//! Shops: their books, hours, zones and terms, their menu, their stock.

mod add_device;
mod add_staff;
mod approve_restaurant;
mod close_restaurant;
mod close_today;
mod count;
mod create_promotion;
mod eighty_six;
mod hear_device;
mod lift_eighty_six;
mod mark_unreachable;
mod menu_part;
mod pause_restaurant;
mod publish_menu;
mod receive_stock;
mod recount_stock;
mod register_restaurant;
mod remove_device;
mod remove_staff;
mod resume_restaurant;
mod set_capacity;
mod set_hours;
mod set_stock;
mod set_terms;
mod set_zones;
mod submit_restaurant;
mod suspend_restaurant;
mod update_menu_item;
mod update_menu_option;
mod update_promotion;
mod update_restaurant;
mod waste_stock;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register_restaurant::register_restaurant))
        .routes(routes!(update_restaurant::update_restaurant))
        .routes(routes!(submit_restaurant::submit_restaurant))
        .routes(routes!(approve_restaurant::approve_restaurant))
        .routes(routes!(suspend_restaurant::suspend_restaurant))
        .routes(routes!(close_restaurant::close_restaurant))
        .routes(routes!(pause_restaurant::pause_restaurant))
        .routes(routes!(close_today::close_today))
        .routes(routes!(mark_unreachable::mark_unreachable))
        .routes(routes!(add_staff::add_staff))
        .routes(routes!(remove_staff::remove_staff))
        .routes(routes!(add_device::add_device))
        .routes(routes!(remove_device::remove_device))
        .routes(routes!(hear_device::hear_device))
        .routes(routes!(resume_restaurant::resume_restaurant))
        .routes(routes!(set_hours::set_hours))
        .routes(routes!(set_zones::set_zones))
        .routes(routes!(set_capacity::set_capacity))
        .routes(routes!(set_terms::set_terms))
        .routes(routes!(publish_menu::publish_menu))
        .routes(routes!(update_menu_item::update_menu_item))
        .routes(routes!(update_menu_option::update_menu_option))
        .routes(routes!(create_promotion::create_promotion))
        .routes(routes!(update_promotion::update_promotion))
        .routes(routes!(set_stock::set_stock))
        .routes(routes!(receive_stock::receive_stock))
        .routes(routes!(waste_stock::waste_stock))
        .routes(routes!(recount_stock::recount_stock))
        .routes(routes!(
            eighty_six::eighty_six,
            lift_eighty_six::lift_eighty_six
        ))
}
