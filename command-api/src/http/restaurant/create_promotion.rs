//! A shop, or the marketplace, gives a promotion out.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Promotion, PromotionBook, Restaurant};
use domain::decider::{Class, Fault};
use domain::kernel::ids::PromotionId;
use domain::restaurant::promotion::{Issuer, PromotionCommand, PromotionTerms};
use domain::restaurant::promotion_book::PromotionBookCommand;
use infra::http::policy::Scope;
use infra::http::policy::action::CreatePromotion;
use infra::http::{ApiError, Idempotency, Json, RestaurantStaff};

use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::strict::Strict;
use crate::http::whose::only_theirs;

/// Gives a promotion out. One with a code can be named on carts; one without holds by itself. An owner
/// gives promotions of their own shop, at its cost. One without a code has no name to be known again by, so it needs an
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/v1/promotions",
    request_body = PromotionTerms,
    responses((status = 201, description = "Given out.", body = Written), Refusals)
)]
pub(super) async fn create_promotion(
    State(app): State<App>,
    by: RestaurantStaff<CreatePromotion>,
    key: Idempotency,
    Json(Strict(terms)): Json<Strict<PromotionTerms>>,
) -> Result<Committed, ApiError> {
    let key = key.key();
    if terms.code.is_none() && key.is_none() {
        return Err(ApiError::malformed(
            "idempotency_key_missing",
            "a promotion without a code needs an Idempotency-Key",
        ));
    }
    let asked = Asked::new(&by, key);
    let work = Create {
        scope: &by.scope,
        terms,
    };
    app.carry_out(&asked, &work).await
}

struct Create<'a> {
    scope: &'a Scope,
    terms: PromotionTerms,
}

impl Work for Create<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.promotion.create".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        self.check_issuer(unit).await?;
        let terms = Box::new(self.terms.clone());
        let promotion = match &terms.code {
            Some(code) => {
                let id = terms.issuer.promotion(code);
                unit.load::<Promotion>(id.uuid()).await?
            }
            None => unit.create::<Promotion>(unit.context.fresh_id()),
        };
        let id = PromotionId::new(promotion.stream.id);
        let automatic = terms.code.is_none();
        unit.decide(&promotion, PromotionCommand::Create { terms })?;
        if automatic {
            let book = self.terms.issuer.book();
            let book = unit.load::<PromotionBook>(book).await?;
            unit.decide(&book, PromotionBookCommand::List { promotion: id })?;
        }
        let location = "promotions";
        Ok(Written::created(id, location).tagged(promotion.stream))
    }
}

impl Create<'_> {
    /// A shop's promotion is given by its people, and what the platform pays by the platform.
    async fn check_issuer(&self, unit: &mut Unit<'_>) -> Result<(), ExecuteError> {
        match self.terms.issuer {
            Issuer::Shop { restaurant } => {
                let shop = unit.load::<Restaurant>(restaurant.uuid()).await?;
                only_theirs(&shop, self.scope)?;
            }
            Issuer::Platform if *self.scope != Scope::Any => {
                return Err(not_yours("/issuer", "only the platform gives these out").into());
            }
            Issuer::Platform => {}
        }
        if *self.scope != Scope::Any && !self.terms.platform_bp.is_zero() {
            let detail = "only the platform says what it pays";
            return Err(not_yours("/platform_bp", detail).into());
        }
        Ok(())
    }
}

fn not_yours(pointer: &str, detail: &str) -> Refusal {
    let code = "not_yours".to_owned();
    let fault = Fault {
        code: code.clone(),
        pointer: pointer.to_owned(),
        detail: detail.to_owned(),
    };
    Refusal {
        class: Class::Forbidden,
        code,
        detail: detail.to_owned(),
        faults: vec![fault],
        extra: serde_json::Map::new(),
    }
}
