//! Somebody signs up to carry.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Driver, Kind};
use domain::decider::Fault;
use domain::driver::driver::{DriverCommand, Vehicle};
use domain::kernel::contact::Phone;
use domain::kernel::ids::DriverId;
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Name;
use infra::http::policy::Role;
use infra::http::policy::action::RegisterDriver;
use infra::http::{ApiError, Caller, Idempotency, Json, Principal};
use infra::vault::{Class, VaultError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work, name_of};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;

/// Who drives what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterDriverBody {
    /// The driver's account. Drivers register themselves; our staff must say whom.
    #[serde(default)]
    id: Option<DriverId>,
    /// Their name.
    #[schema(inline)]
    name: Name,
    /// Their telephone.
    #[schema(inline)]
    phone: Phone,
    /// What they drive.
    vehicle: Vehicle,
}
domain::collect_struct!(RegisterDriverBody {
    id,
    name,
    phone,
    vehicle
});

/// Signs a driver up. Name and telephone are sealed before anything keeps them.
#[utoipa::path(
    post,
    path = "/v1/drivers",
    request_body = RegisterDriverBody,
    responses((status = 201, description = "Registered.", body = Written), Refusals)
)]
pub(super) async fn register_driver(
    State(app): State<App>,
    by: Caller<RegisterDriver>,
    key: Idempotency,
    Json(body): Json<RegisterDriverBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let id = body.driver(&by.principal)?;
    let command = DriverCommand::Register {
        name: app.seal_for_driver(id, "name", &body.name).await?,
        phone: app.seal_for_driver(id, "phone", &body.phone).await?,
        vehicle: body.vehicle,
    };
    app.carry_out(&asked, &Register { id, command }).await
}

impl RegisterDriverBody {
    /// Who is signed up.
    fn driver(&self, by: &Principal) -> Result<DriverId, ApiError> {
        let own = DriverId::from(by.id);
        let wrong = match (by.role == Role::Driver, self.id) {
            (true, None) => return Ok(own),
            (true, Some(id)) if id == own => return Ok(own),
            (true, Some(_)) => ("not_yours", "drivers sign themselves up"),
            (false, Some(id)) => return Ok(id),
            (false, None) => ("missing", "say whose account it is"),
        };
        let (code, detail) = (wrong.0.to_owned(), wrong.1.to_owned());
        Err(ApiError::invalid(vec![Fault {
            code,
            pointer: "/id".to_owned(),
            detail,
        }]))
    }
}

impl App {
    async fn seal_for_driver<T: Serialize>(
        &self,
        id: DriverId,
        field: &str,
        value: &T,
    ) -> Result<Sealed<T>, VaultError> {
        let (kind, field) = (Kind::Driver.as_str().to_owned(), field.to_owned());
        let origin = Origin {
            kind,
            id: id.uuid(),
            field,
        };
        self.vault
            .seal(id.uuid(), Class::Identity, origin, value)
            .await
    }
}

struct Register {
    id: DriverId,
    command: DriverCommand,
}

impl Work for Register {
    fn name(&self) -> Cow<'static, str> {
        name_of::<Driver>(&self.command)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let driver = unit.load::<Driver>(self.id.uuid()).await?;
        unit.decide(&driver, self.command.clone())?;
        Ok(Written::created(self.id, "drivers").tagged(driver.stream))
    }
}
