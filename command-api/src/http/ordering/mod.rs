//! Carts, and orders from checkout to the counter.

mod accept_order;
mod accept_remake;
mod acknowledge_order;
mod act_on_behalf;
mod add_line;
mod amend_order;
mod answer_short;
mod boil_bowl;
mod bowl;
mod cancel_order;
mod cart_answer;
mod change_line;
mod check_out;
mod claim_cart;
mod collect_order;
mod correct_door;
mod decline_remake;
mod delay_order;
mod fire_order;
mod mark_not_collected;
mod market;
mod on_behalf;
mod open_cart;
mod open_payment_session;
mod ready_order;
mod refire_order;
mod reject_order;
mod remake_order;
mod remaking;
mod remove_line;
mod reorder;
mod seal_bowl;
mod sealing;
mod set_fulfilment;
mod set_promotion;
mod set_tip;
mod short_order;
mod switch_to_pickup;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open_cart::open_cart))
        .routes(routes!(add_line::add_line))
        .routes(routes!(change_line::change_line, remove_line::remove_line))
        .routes(routes!(set_fulfilment::set_fulfilment))
        .routes(routes!(set_promotion::set_promotion))
        .routes(routes!(set_tip::set_tip))
        .routes(routes!(claim_cart::claim_cart))
        .routes(routes!(check_out::check_out))
        .routes(routes!(open_payment_session::open_payment_session))
        .routes(routes!(reorder::reorder))
        .routes(routes!(cancel_order::cancel_order))
        .routes(routes!(accept_order::accept_order))
        .routes(routes!(reject_order::reject_order))
        .routes(routes!(fire_order::fire_order))
        .routes(routes!(boil_bowl::boil_bowl))
        .routes(routes!(seal_bowl::seal_bowl))
        .routes(routes!(ready_order::ready_order))
        .routes(routes!(collect_order::collect_order))
        .routes(routes!(mark_not_collected::mark_not_collected))
        .routes(routes!(acknowledge_order::acknowledge_order))
        .routes(routes!(short_order::short_order))
        .routes(routes!(act_on_behalf::act_on_behalf))
        .routes(routes!(amend_order::amend_order))
        .routes(routes!(correct_door::correct_door))
        .routes(routes!(refire_order::refire_order))
        .routes(routes!(remake_order::remake_order))
        .routes(routes!(accept_remake::accept_remake))
        .routes(routes!(decline_remake::decline_remake))
        .routes(routes!(answer_short::answer_short))
        .routes(routes!(delay_order::delay_order))
        .routes(routes!(switch_to_pickup::switch_to_pickup))
}
