//! Who calls: principals with a role, and the tokens they present.

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;

use super::api::Api;
use super::session::Session;

/// Namespace of the ids that these commands derive from names, so that every run finds its people
/// and shops again. A random UUID, fixed for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d1c_3a5e_7b1f_4c62_9a57_0f3e_61b0_d2a4);

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// Orders.
    Customer,
    /// Runs the shops that the token names.
    Owner,
    /// Carries.
    Driver,
    /// Platform staff.
    Ops,
}

/// Somebody who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Principal id; for customers and drivers also their id in the domain.
    pub(crate) id: Uuid,
    /// Role.
    pub(crate) role: Role,
    /// The shops of an owner.
    pub(crate) restaurants: Vec<Uuid>,
}

impl Person {
    /// Somebody with a role, the same in every run for the same name.
    pub(crate) fn named(role: Role, name: &str) -> Self {
        Self {
            id: id_of(&format!("{role:?}/{name}")),
            role,
            restaurants: Vec::new(),
        }
    }

    /// The owner of a shop.
    pub(crate) fn owner_of(restaurant: Uuid) -> Self {
        let named = Self::named(Role::Owner, &restaurant.to_string());
        Self {
            restaurants: vec![restaurant],
            ..named
        }
    }
}

/// An id derived from a name, such as a shop's from source and source id.
pub(crate) fn id_of(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// Signs a person in and makes their access token.
pub(crate) type Issue = dyn Fn(Person) -> BoxFuture<'static, anyhow::Result<String>> + Send + Sync;

/// Opens sessions for people.
#[derive(Clone)]
pub(crate) struct Door {
    api: Arc<Api>,
    issue: Arc<Issue>,
}

impl Door {
    /// A door to `api`, with `issue` as the way to get tokens.
    pub(crate) fn new(api: Arc<Api>, issue: Arc<Issue>) -> Self {
        Self { api, issue }
    }

    /// The client behind the door.
    pub(crate) fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// A session of a person.
    ///
    /// # Errors
    /// When they cannot be signed in.
    pub(crate) async fn open(&self, person: &Person) -> anyhow::Result<Session> {
        Ok(self
            .api
            .session(person.id, &(self.issue)(person.clone()).await?))
    }

    /// A session of platform staff at a desk. One desk answers for about ten calls a second: that is
    /// what the API lets one person do.
    ///
    /// # Errors
    /// When they cannot be signed in.
    pub(crate) async fn ops(&self, desk: usize) -> anyhow::Result<Session> {
        self.open(&Person::named(Role::Ops, &format!("desk {desk}")))
            .await
    }
}
