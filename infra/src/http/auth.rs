//! Who calls. Asking for one of these extractors is the check: it reads the token, asks whether the
//! login still holds, and looks the role up in the [policy](super::policy) for the action that the
//! handler names. What remains to the handler is the relation, as a [`Scope`].
//!
//! ```text
//! async fn accept_order(by: RestaurantStaff<action::AcceptOrder>, …) { … by.scope.covers(&subject) … }
//! ```

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use domain::kernel::ids::{CustomerId, DriverId};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};

use super::edge::Edge;
use super::logins::Standing;
use super::policy::{Act, Role, Scope};
use super::problem::ApiError;
pub use super::token::Principal;

/// What the `Authorization` header of a request says, read once by the edge.
#[derive(Clone, Debug)]
pub(super) enum Credentials {
    /// There is none.
    Absent,
    /// A token of ours, in its time.
    Token(Principal),
    /// Something that is not; the reason is for metrics.
    Refused(&'static str),
}

impl Credentials {
    /// Reads the header: exactly one, of the form `Bearer <token>`.
    pub(super) fn read(headers: &HeaderMap, edge: &Edge) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (value, more) = (values.next(), values.next());
        let Some(value) = value else {
            return Self::Absent;
        };
        let token = value.to_str().ok().and_then(|text| text.split_once(' '));
        match token {
            Some((scheme, token)) if more.is_none() && scheme.eq_ignore_ascii_case("bearer") => {
                edge.tokens
                    .read(token)
                    .map_or_else(|error| Self::Refused(error.reason()), Self::Token)
            }
            Some(_) | None => Self::Refused("authorization_header"),
        }
    }

    /// Whose request it is, as far as the token says.
    pub(super) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Token(principal) => Some(principal),
            Self::Absent | Self::Refused(_) => None,
        }
    }
}

/// The principal of a request whose login holds.
///
/// # Errors
/// 401 without a token that holds, 503 when nobody can say.
pub(super) async fn authenticate(parts: &Parts) -> Result<Principal, ApiError> {
    let edge = Edge::of(&parts.extensions)?;
    let principal = match parts.extensions.get::<Credentials>() {
        Some(Credentials::Token(principal)) => principal,
        Some(Credentials::Refused(reason)) => return Err(ApiError::unauthorized(reason)),
        Some(Credentials::Absent) | None => return Err(ApiError::unauthorized("no_token")),
    };
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    match edge.logins.standing(principal, is_read).await {
        Standing::Good => Ok(principal.clone()),
        Standing::Ended => Err(ApiError::unauthorized("login_ended")),
        Standing::Unknown(unavailable) => Err(unavailable.into()),
    }
}

/// Who calls, and which things they may touch by this action.
async fn authorise<A: Act>(parts: &Parts) -> Result<(Principal, Scope), ApiError> {
    let principal = authenticate(parts).await?;
    let relation = A::ACTION
        .relation_of(principal.role)
        .ok_or_else(ApiError::forbidden)?;
    let scope = Scope::of(relation, principal.id, &principal.restaurants);
    Ok((principal, scope))
}

/// Anybody whom the policy lets take the action `A`.
#[derive(Clone, Debug)]
pub struct Caller<A> {
    /// Who.
    pub principal: Principal,
    /// Which things.
    pub scope: Scope,
    action: PhantomData<fn() -> A>,
}

impl<A: Act, S: Sync> FromRequestParts<S> for Caller<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (principal, scope) = authorise::<A>(parts).await?;
        Ok(Self {
            principal,
            scope,
            action: PhantomData,
        })
    }
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|+ $(, $(#[$id_doc:meta])* $id:ident)?;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<A> {
            $($(#[$id_doc])* pub id: $id,)?
            /// Who.
            pub principal: Principal,
            /// Which things.
            pub scope: Scope,
            action: PhantomData<fn() -> A>,
        }

        impl<A: Act, S: Sync> FromRequestParts<S> for $name<A> {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                let (principal, scope) = authorise::<A>(parts).await?;
                match principal.role {
                    $(Role::$role)|+ => {}
                    #[expect(unreachable_patterns, reason = "no row names every role")]
                    Role::Customer
                    | Role::Owner
                    | Role::Driver
                    | Role::Ops
                    | Role::Service
                    | Role::Guest => {
                        return Err(ApiError::forbidden());
                    }
                }
                Ok(Self { $(id: $id::from(principal.id),)? principal, scope, action: PhantomData })
            }
        }
    )+ };
}

callers! {
    /// A customer.
    Customer: Customer,
        /// Their id in the domain.
        CustomerId;
    /// Somebody who fills a cart, signed in or not.
    Shopper: Customer | Guest,
        /// Their id in the domain.
        CustomerId;
    /// Somebody who runs a shop, or our staff on its behalf where the policy says so.
    RestaurantStaff: Owner | Ops;
    /// A driver.
    Driver: Driver,
        /// Their id in the domain.
        DriverId;
    /// Our staff, or another program of ours where the policy says so.
    Ops: Ops | Service;
}
