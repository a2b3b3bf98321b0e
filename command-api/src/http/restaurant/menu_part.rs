//! Small changes of a menu without publishing it anew: a price, or whether something can be ordered.

use domain::aggregates::Menu;
use domain::decider::Fault;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::menu::MenuCommand;
use infra::http::ApiError;

use crate::app::App;
use crate::http::answer::{Committed, Written};
use crate::http::asked::{Asked, OfShop};

impl App {
    /// Changes a price, an availability, or both of one part of a shop's menu.
    ///
    /// # Errors
    /// 422 when neither is given; as [`App::change_of_shop`].
    pub(super) async fn change_menu_part(
        &self,
        asked: &Asked<'_>,
        shop: RestaurantId,
        price: Option<MenuCommand>,
        available: Option<MenuCommand>,
    ) -> Result<Committed, ApiError> {
        let commands: Vec<MenuCommand> = price.into_iter().chain(available).collect();
        if commands.is_empty() {
            return Err(nothing_to_do());
        }
        let wanted = OfShop::<Menu> {
            shop,
            commands,
            list: None,
            expected: None,
        };
        let reply = Written::reply(shop);
        self.change_of_shop(asked, &wanted, reply).await
    }
}

fn nothing_to_do() -> ApiError {
    ApiError::invalid(vec![Fault {
        code: "nothing_to_do".to_owned(),
        pointer: String::new(),
        detail: "give price_minor or available".to_owned(),
    }])
}
