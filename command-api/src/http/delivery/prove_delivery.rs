//! A driver proves that the customer has the order.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use domain::aggregates::Delivery;
use domain::decider::Fault;
use domain::delivery::delivery::{DeliveryBody, DeliveryCommand, MediaHash, Proof};
use domain::kernel::geo::GeoPoint;
use domain::kernel::handover::{Pin, ProofMethod};
use domain::kernel::ids::DeliveryId;
use domain::kernel::quantity::Metres;
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::ProveDelivery;
use infra::http::{ApiError, Driver, Idempotency, Json, Path};
use infra::vault::VaultError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// How the handover is proved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProveDeliveryBody {
    /// By what.
    method: ProofMethod,
    /// The code that the customer told; for the method `pin`.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{4}$")]
    pin: Option<Pin>,
    /// The photo or signature; for those methods.
    #[serde(default)]
    #[schema(inline)]
    media_sha256: Option<MediaHash>,
    /// Where the driver stands.
    #[serde(default)]
    place: Option<GeoPoint>,
}
domain::collect_struct!(ProveDeliveryBody {
    method,
    pin,
    media_sha256,
    place
});

/// Proves a delivery. A wrong code is counted; after five another proof is needed.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/proof",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = ProveDeliveryBody,
    responses(Committed, Refusals)
)]
pub(super) async fn prove_delivery(
    State(app): State<App>,
    by: Driver<ProveDelivery>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ProveDeliveryBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    body.check()?;
    let expected = if_match.version()?;
    let work = Prove {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        body,
    };
    app.carry_out(&asked, &work).await
}

impl ProveDeliveryBody {
    /// The method has what it needs.
    fn check(&self) -> Result<(), ApiError> {
        let missing = match self.method {
            ProofMethod::Pin if self.pin.is_none() => "pin",
            ProofMethod::Photo | ProofMethod::Signature if self.media_sha256.is_none() => {
                "media_sha256"
            }
            ProofMethod::Pin | ProofMethod::Photo | ProofMethod::Signature => return Ok(()),
        };
        Err(ApiError::invalid(vec![Fault {
            code: "missing".to_owned(),
            pointer: format!("/{missing}"),
            detail: format!("this method needs {missing}"),
        }]))
    }
}

struct Prove<'a> {
    app: &'a App,
    scope: &'a Scope,
    id: DeliveryId,
    expected: Option<i64>,
    body: ProveDeliveryBody,
}

impl Work for Prove<'_> {
    fn name(&self) -> Cow<'static, str> {
        "delivery.delivery.deliver".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let delivery = unit.load::<Delivery>(self.id.uuid()).await?;
        only_theirs(&delivery, self.scope)?;
        unit.expect_version(&delivery, self.expected)?;
        let known = delivery.state.body().ok_or(ExecuteError::NotTheirs)?;
        let command = DeliveryCommand::Deliver {
            proof: Proof {
                method: self.body.method,
                media_sha256: self.body.media_sha256.clone(),
                distance_m: self.distance_m(known).await?,
            },
            pin_matches: self.pin_matches(known).await?,
        };
        unit.decide(&delivery, command)?;
        Ok(Written::reply(self.id).tagged(delivery.stream))
    }
}

impl Prove<'_> {
    /// How far from the door the driver stands, when both places are known.
    async fn distance_m(&self, known: &DeliveryBody) -> Result<Option<Metres>, VaultError> {
        let Some(place) = self.body.place else {
            return Ok(None);
        };
        match self.app.vault.open(&known.dropoff).await {
            Ok(address) => Ok(Some(Metres::new(place.distance_m(address.pin)))),
            Err(VaultError::Erased) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the code fits; compared in constant time, since whoever knows how long it took must not
    /// learn its digits.
    async fn pin_matches(&self, known: &DeliveryBody) -> Result<Option<bool>, VaultError> {
        let Some(given) = &self.body.pin else {
            return Ok(None);
        };
        let pin = self.app.vault.open(&known.request.pin).await?;
        let (given, pin) = (given.as_str().as_bytes(), pin.as_str().as_bytes());
        Ok(Some(verify_slices_are_equal(given, pin).is_ok()))
    }
}
