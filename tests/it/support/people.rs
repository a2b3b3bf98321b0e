//! People with tokens.

use std::time::Duration;

use infra::http::logins::Who;
pub(crate) use infra::http::policy::Role;
use uuid::Uuid;

use super::TestApp;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

impl TestApp {
    /// Signs somebody in for a day.
    pub(crate) async fn sign_in(&self, role: Role, id: Uuid, shops: &[Uuid]) -> Session {
        const DAY: Duration = Duration::from_hours(24);
        let shops: Vec<_> = shops.iter().copied().map(Into::into).collect();
        let clock = self.clock.clock();
        let who = Who::new(id.into(), role, &shops);
        let opened = self.logins.open(&clock, &who, DAY).await.unwrap();
        Session {
            id,
            token: self.tokens.issue_for(&opened, DAY),
        }
    }

    pub(crate) async fn customer(&self, number: u128) -> Session {
        self.sign_in(Role::Customer, Uuid::from_u128(1_000 + number), &[])
            .await
    }

    /// A customer whose orders are rehearsals.
    pub(crate) async fn rehearsing(&self, number: u128) -> Session {
        const DAY: Duration = Duration::from_hours(24);
        let id = Uuid::from_u128(1_000 + number);
        let who = Who {
            test: true,
            ..Who::new(id.into(), Role::Customer, &[])
        };
        let clock = self.clock.clock();
        let opened = self.logins.open(&clock, &who, DAY).await.unwrap();
        Session {
            id,
            token: self.tokens.issue_for(&opened, DAY),
        }
    }

    pub(crate) async fn driver(&self, number: u128) -> Session {
        self.sign_in(Role::Driver, Uuid::from_u128(3_000 + number), &[])
            .await
    }

    pub(crate) async fn ops(&self) -> Session {
        self.sign_in(Role::Ops, Uuid::from_u128(9_000), &[]).await
    }

    pub(crate) async fn owner(&self, shop: Uuid) -> Session {
        self.sign_in(Role::Owner, Uuid::from_u128(2_000), &[shop])
            .await
    }
}
