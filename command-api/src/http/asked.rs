//! What every write carries from its request: who asks, on which version, under which key; and the two
//! usual kinds of work, a command on one aggregate and commands on a part of a shop.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use domain::decider::{Decider, Fault};
use domain::kernel::actor::Actor;
use domain::kernel::ids::RestaurantId;
use http::StatusCode;
use http::request::Parts;
use infra::event_store::StreamId;
use infra::http::conditional::{IfMatch, IfNoneMatch};
use infra::http::policy::{Act, Role, Scope};
use infra::http::request_id::RequestScope;
use infra::http::{ApiError, Caller, Customer, Driver, Ops, Principal, RestaurantStaff, Shopper};
use infra::http::{Unavailable, idempotency};
use infra::limits;
use uuid::Uuid;

use super::answer::Committed;
use super::whose::{Belongs, only_theirs};
use crate::app::App;
use crate::execute::{ExecuteError, Key, Refusal, Reply, Unit, Work, busy_stream, name_of};
use crate::metadata::Origin;

/// Somebody whom the policy let in.
pub(super) trait Who {
    /// Who it is.
    fn principal(&self) -> &Principal;
    /// What they may touch by this action.
    fn scope(&self) -> &Scope;
}

macro_rules! who {
    ($($caller:ident),+) => { $(
        impl<A: Act> Who for $caller<A> {
            fn principal(&self) -> &Principal {
                &self.principal
            }

            fn scope(&self) -> &Scope {
                &self.scope
            }
        }
    )+ };
}
who!(Caller, Customer, Shopper, RestaurantStaff, Driver, Ops);

/// Whoever answers for a customer: they themselves, or our staff.
///
/// # Errors
/// 403 for anybody else.
pub(super) fn customer_or_ops(by: &Principal) -> Result<Actor, ApiError> {
    match by.role {
        Role::Customer => Ok(Actor::Customer { id: by.id.into() }),
        Role::Ops => Ok(Actor::Ops { id: by.id }),
        Role::Owner | Role::Driver | Role::Service | Role::Guest => Err(ApiError::forbidden()),
    }
}

/// A write as it was asked for.
pub(super) struct Asked<'a> {
    pub(super) by: &'a Principal,
    pub(super) scope: &'a Scope,
    key: Option<Key>,
}

impl<'a> Asked<'a> {
    /// A write under a key that may be absent.
    pub(super) fn new(by: &'a impl Who, key: Option<idempotency::Key>) -> Self {
        let key = key.map(|key| Key {
            hash: key.hash,
            fingerprint: key.fingerprint,
        });
        Self {
            by: by.principal(),
            scope: by.scope(),
            key,
        }
    }

    fn origin(&self) -> Origin {
        let request = RequestScope::current();
        Origin {
            principal: Some(self.by.id.into()),
            role: self.by.role.as_str().to_owned(),
            request_id: request
                .as_ref()
                .map(|scope| scope.id.to_string())
                .unwrap_or_default(),
            traceparent: request.map(|scope| scope.trace.to_string()),
            test: self.by.test,
            ..Origin::default()
        }
    }
}

/// Which version a write builds on.
#[derive(Clone, Debug)]
pub(super) enum BuildsOn {
    /// Any, or the one that `If-Match` names.
    Version(Option<i64>),
    /// The one that `If-Match` must name: the whole document is replaced.
    Document(Guard),
}

/// The precondition of a whole-document write: `If-Match` with the version that was read, or
/// `If-None-Match: *` where there was none. Asking for it is the check that one is there (428).
#[derive(Clone, Debug)]
pub(super) struct Guard {
    if_match: IfMatch,
    if_none_match: IfNoneMatch,
}

impl<S: Sync> FromRequestParts<S> for Guard {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let if_match = IfMatch::from_request_parts(parts, state).await?;
        let if_none_match = IfNoneMatch::from_request_parts(parts, state).await?;
        match if_match.require(&if_none_match, 0) {
            Err(error) if error.status() == StatusCode::PRECONDITION_REQUIRED => Err(error),
            Ok(()) | Err(_) => Ok(Self {
                if_match,
                if_none_match,
            }),
        }
    }
}

impl Guard {
    /// Refuses the write when the document is at another version.
    ///
    /// # Errors
    /// `Moved`, with the version there is.
    pub(super) fn check(&self, current: i64) -> Result<(), ExecuteError> {
        let held = self.if_match.require(&self.if_none_match, current);
        held.map_err(|_| ExecuteError::Moved { current })
    }
}

impl BuildsOn {
    fn check(&self, current: i64) -> Result<(), ExecuteError> {
        match self {
            Self::Version(Some(expected)) if *expected != current => {
                Err(ExecuteError::Moved { current })
            }
            Self::Version(_) => Ok(()),
            Self::Document(guard) => guard.check(current),
        }
    }
}

/// One command on one aggregate, by somebody whose it is.
struct Change<'a, A: Decider> {
    id: Uuid,
    scope: &'a Scope,
    builds_on: BuildsOn,
    command: A::Command,
    reply: Reply,
}

impl<A: Belongs> Work for Change<'_, A> {
    fn name(&self) -> Cow<'static, str> {
        name_of::<A>(&self.command)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let loaded = unit.load::<A>(self.id).await?;
        only_theirs(&loaded, self.scope)?;
        self.builds_on.check(loaded.version)?;
        unit.decide(&loaded, self.command.clone())?;
        Ok(self.reply.clone().tagged(loaded.stream))
    }
}

/// Commands on what has the shop's id and is the shop's: its menu, its stock. All or none.
pub(super) struct OfShop<A: Decider> {
    /// The shop.
    pub(super) shop: RestaurantId,
    /// The commands, in order.
    pub(super) commands: Vec<A::Command>,
    /// The member of the body that lists them; none when the body is one command.
    pub(super) list: Option<&'static str>,
    /// Which version of the part this builds on.
    pub(super) expected: Option<i64>,
}

struct OfShopBy<'a, A: Decider> {
    wanted: &'a OfShop<A>,
    scope: &'a Scope,
    reply: Reply,
}

impl<A: Decider> Work for OfShopBy<'_, A> {
    fn name(&self) -> Cow<'static, str> {
        let first = self.wanted.commands.first();
        first.map_or(A::KIND.into(), name_of::<A>)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let OfShop {
            shop,
            commands,
            list,
            expected,
        } = self.wanted;
        let restaurant = unit
            .load::<domain::aggregates::Restaurant>(shop.uuid())
            .await?;
        only_theirs(&restaurant, self.scope)?;
        let mut part = unit.load::<A>(shop.uuid()).await?;
        unit.expect_version(&part, *expected)?;
        let mut refused: Vec<Refusal> = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            match unit.decide(&part, command.clone()) {
                Ok(after) => part = after,
                Err(ExecuteError::Refused(refusal)) => {
                    refused.push(placed(*refusal, *list, index));
                }
                Err(error) => return Err(error),
            }
        }
        match together(refused) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(self.reply.clone().tagged(part.stream)),
        }
    }

    fn queue_for(&self) -> Vec<StreamId> {
        let busy = busy_stream::<A>(self.wanted.shop.uuid());
        busy.into_iter().collect()
    }

    fn streams(&self) -> Vec<StreamId> {
        use domain::aggregates::Kind;
        let id = self.wanted.shop.uuid();
        [Kind::Restaurant, Kind::Menu, Kind::Inventory]
            .map(|kind| StreamId { kind, id })
            .into()
    }
}

/// A refusal whose faults point into the element of the list that it is about.
fn placed(mut refusal: Refusal, list: Option<&str>, index: usize) -> Refusal {
    let Some(list) = list else { return refusal };
    if refusal.faults.is_empty() {
        let (code, detail) = (refusal.code.clone(), refusal.detail.clone());
        refusal.faults.push(Fault {
            code,
            pointer: String::new(),
            detail,
        });
    }
    for fault in &mut refusal.faults {
        fault.pointer = format!("/{list}/{index}{}", fault.pointer);
    }
    refusal
}

/// One refusal with the faults of all.
fn together(refused: Vec<Refusal>) -> Option<Refusal> {
    let mut refused = refused.into_iter();
    let mut first = refused.next()?;
    first
        .faults
        .extend(refused.flat_map(|refusal| refusal.faults));
    first.faults.truncate(limits::FAULTS_MAX);
    Some(first)
}

impl App {
    /// Executes `work` for the caller.
    ///
    /// # Errors
    /// As [`ExecuteError`] becomes an answer; 503 `outcome_unknown` when the decision takes too long.
    pub(super) async fn carry_out(
        &self,
        asked: &Asked<'_>,
        work: &impl Work,
    ) -> Result<Committed, ApiError> {
        let origin = asked.origin();
        let executed = self.executor.execute(&origin, asked.key.as_ref(), work);
        match tokio::time::timeout(limits::REQUEST_DEADLINE, executed).await {
            Ok(answer) => Ok(Committed(answer?)),
            Err(late) => Err(Unavailable::outcome_unknown(late).into()),
        }
    }

    /// Executes one command on one aggregate.
    ///
    /// # Errors
    /// As [`App::carry_out`].
    pub(super) async fn change<A: Belongs>(
        &self,
        asked: &Asked<'_>,
        id: impl Into<Uuid>,
        builds_on: BuildsOn,
        command: A::Command,
        reply: Reply,
    ) -> Result<Committed, ApiError> {
        let (id, scope) = (id.into(), asked.scope);
        let work = Change::<A> {
            id,
            scope,
            builds_on,
            command,
            reply,
        };
        self.carry_out(asked, &work).await
    }

    /// Executes commands on a part of a shop.
    ///
    /// # Errors
    /// As [`App::carry_out`].
    pub(super) async fn change_of_shop<A: Decider>(
        &self,
        asked: &Asked<'_>,
        wanted: &OfShop<A>,
        reply: Reply,
    ) -> Result<Committed, ApiError> {
        self.carry_out(
            asked,
            &OfShopBy {
                wanted,
                scope: asked.scope,
                reply,
            },
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use domain::decider::Class;

    use super::*;

    fn refusal(code: &str, faults: Vec<Fault>) -> Refusal {
        Refusal {
            class: Class::Conflict,
            code: code.to_owned(),
            detail: "no".to_owned(),
            faults,
            extra: serde_json::Map::new(),
        }
    }

    #[test]
    fn refusals_of_a_list_point_at_their_elements() {
        let inner = Fault {
            code: "b".into(),
            pointer: "/amount".into(),
            detail: "no".into(),
        };
        let all = together(vec![
            placed(refusal("a", vec![]), Some("items"), 0),
            placed(refusal("b", vec![inner]), Some("items"), 2),
        ]);
        let pointers: Vec<_> = all
            .unwrap()
            .faults
            .into_iter()
            .map(|fault| fault.pointer)
            .collect();
        assert_eq!(pointers, ["/items/0", "/items/2/amount"]);
        assert_eq!(together(vec![]), None);
    }

    async fn guard(headers: &[(&'static str, &'static str)]) -> Result<Guard, ApiError> {
        let mut request = http::Request::new(()).into_parts().0;
        for (name, value) in headers {
            request
                .headers
                .insert(*name, http::HeaderValue::from_static(value));
        }
        Guard::from_request_parts(&mut request, &()).await
    }

    #[tokio::test]
    async fn a_whole_document_write_says_what_it_builds_on() {
        assert_eq!(guard(&[]).await.unwrap_err().status(), 428);
        let known = guard(&[("if-match", "\"3\"")]).await.unwrap();
        assert!(known.check(3).is_ok() && known.check(4).is_err());
        let new = guard(&[("if-none-match", "*")]).await.unwrap();
        assert!(new.check(0).is_ok() && new.check(1).is_err());
    }
}
