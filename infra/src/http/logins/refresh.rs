//! Refreshing: a token is used once and gives its successor. One that comes again ends its login, for two
//! have it; only where the successor was never used, and only for moments, is a repeat taken for a client
//! whose answer was lost (docs/adr/0014).

use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::{PrincipalId, RestaurantId};
use uuid::Uuid;

use super::refresh_token::random;
use super::table::{after, role_of};
use super::{PgLogins, RefreshToken, SignedIn};
use crate::http::problem::{ApiError, Unavailable};
use crate::http::security;
use crate::http::token::Principal;
use crate::limits;

/// Why a refresh token gives nothing. The caller hears 401 and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefused {
    /// It is none of ours.
    #[error("unknown")]
    Unknown,
    /// Its login was ended.
    #[error("ended")]
    Ended,
    /// Its login has expired.
    #[error("expired")]
    Expired,
    /// It was used before. Its login has been ended.
    #[error("reused")]
    Reused,
}

impl RefreshRefused {
    /// The label in metrics and in the security log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "refresh_unknown",
            Self::Ended => "refresh_ended",
            Self::Expired => "refresh_expired",
            Self::Reused => "refresh_reused",
        }
    }
}

/// Why a login was not refreshed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RefreshError {
    /// The token gives nothing.
    #[error("the refresh token is {0}")]
    Refused(RefreshRefused),
    /// Nobody can say now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Refused(refused) => Self::unauthorized(refused.reason()),
            RefreshError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

/// A login's columns, as a token is made of them.
struct LoginRow {
    sid: Uuid,
    principal: Uuid,
    role: String,
    restaurants: Vec<Uuid>,
    ver: i64,
    test: bool,
    expires_at: DateTime<Utc>,
}

impl LoginRow {
    fn signed_in(self, refresh: RefreshToken) -> Result<SignedIn, Unavailable> {
        let shops = self.restaurants.into_iter().map(RestaurantId::new);
        Ok(SignedIn {
            principal: Principal {
                id: PrincipalId::new(self.principal),
                role: role_of(self.sid, &self.role)?,
                restaurants: shops.collect(),
                login: self.sid,
                version: self.ver,
                test: self.test,
            },
            refresh,
            expires_at: self.expires_at,
        })
    }
}

/// What is known of a token that could not be used.
#[derive(Clone, Debug)]
struct Spent {
    revoked: bool,
    expires_at: DateTime<Utc>,
    used: bool,
    /// Of the successor, while that is unused.
    salt: Option<[u8; 32]>,
    successor_at: Option<DateTime<Utc>>,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The same successor again, made with this salt.
    Again([u8; 32]),
    /// End the login.
    Theft,
    /// Nothing.
    Refuse(RefreshRefused),
}

impl Spent {
    fn judge(&self, now: DateTime<Utc>) -> Verdict {
        let patience = TimeDelta::from_std(limits::REFRESH_REPEAT).unwrap_or(TimeDelta::zero());
        if self.revoked {
            return Verdict::Refuse(RefreshRefused::Ended);
        }
        if self.expires_at <= now || !self.used {
            return Verdict::Refuse(RefreshRefused::Expired);
        }
        match (self.salt, self.successor_at) {
            (Some(salt), Some(at)) if now <= at + patience => Verdict::Again(salt),
            _ => Verdict::Theft,
        }
    }
}

impl PgLogins {
    /// Uses a refresh token: its login goes on, under the token that follows.
    ///
    /// Whoever comes first with a token uses it; the row's lock decides between two at once, and the
    /// second then finds it used.
    ///
    /// # Errors
    /// [`RefreshError`]; after `Reused` the login is ended.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, RefreshError> {
        let salt = random();
        let next = token.successor(&salt);
        if let Some(row) = self.rotate(token, &next, &salt, now).await? {
            return Ok(row.signed_in(next)?);
        }
        let Some((row, spent)) = self.spent(token).await? else {
            return Err(RefreshError::Refused(RefreshRefused::Unknown));
        };
        match spent.judge(now) {
            Verdict::Again(salt) => Ok(row.signed_in(token.successor(&salt))?),
            Verdict::Refuse(refused) => Err(RefreshError::Refused(refused)),
            Verdict::Theft => {
                if self.revoke(row.sid, now).await? {
                    security::refresh_reused(row.sid, row.principal);
                }
                Err(RefreshError::Refused(RefreshRefused::Reused))
            }
        }
    }

    /// Ends the login that a refresh token, used or not, was given for. Gives whether it was open.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn log_out(
        &self,
        token: &RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<bool, Unavailable> {
        match self.spent(token).await? {
            Some((row, _)) => self.revoke(row.sid, now).await,
            None => Ok(false),
        }
    }

    /// Marks the token as used and puts `next` in its place, if it was unused and its login holds.
    #[tracing::instrument(name = "db.login_rotate", skip_all, level = "debug")]
    async fn rotate(
        &self,
        token: &RefreshToken,
        next: &RefreshToken,
        salt: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<LoginRow>, Unavailable> {
        let row = sqlx::query_as!(
            LoginRow,
            "WITH used AS (
                 UPDATE auth.refresh_tokens AS t
                 SET used_at = $2, salt = NULL
                 FROM auth.logins AS l
                 WHERE t.hash = $1 AND t.used_at IS NULL
                   AND l.sid = t.sid AND l.revoked_at IS NULL AND l.expires_at > $2
                 RETURNING t.sid
             ), login AS (
                 UPDATE auth.logins AS l
                 SET refreshed_at = $2, expires_at = LEAST($3, l.ends_at)
                 FROM used
                 WHERE l.sid = used.sid AND l.revoked_at IS NULL
                 RETURNING l.*
             ), successor AS (
                 INSERT INTO auth.refresh_tokens (hash, sid, previous, salt, issued_at)
                 SELECT $4, sid, $1, $5, $2 FROM login
                 RETURNING sid
             )
             SELECT sid, principal, role, restaurants, ver, test, expires_at
             FROM login JOIN successor USING (sid)",
            &token.hash(),
            now,
            after(now, limits::LOGIN_IDLE_MAX),
            &next.hash(),
            salt,
        )
        .fetch_optional(&self.0)
        .await?;
        Ok(row)
    }

    /// What is known of a token and its login.
    #[tracing::instrument(name = "db.login_spent", skip_all, level = "debug")]
    async fn spent(&self, token: &RefreshToken) -> Result<Option<(LoginRow, Spent)>, Unavailable> {
        let row = sqlx::query!(
            r#"SELECT l.sid, l.principal, l.role, l.restaurants, l.ver, l.test, l.expires_at,
                      l.revoked_at IS NOT NULL AS "revoked!", t.used_at IS NOT NULL AS "used!",
                      n.salt AS "salt?", n.issued_at AS "successor_at?"
               FROM auth.refresh_tokens AS t
               JOIN auth.logins AS l ON l.sid = t.sid
               LEFT JOIN auth.refresh_tokens AS n ON n.previous = t.hash
               WHERE t.hash = $1"#,
            &token.hash(),
        )
        .fetch_optional(&self.0)
        .await?;
        Ok(row.map(|row| {
            let spent = Spent {
                revoked: row.revoked,
                expires_at: row.expires_at,
                used: row.used,
                salt: row.salt.and_then(|salt| salt.try_into().ok()),
                successor_at: row.successor_at,
            };
            let login = LoginRow {
                sid: row.sid,
                principal: row.principal,
                role: row.role,
                restaurants: row.restaurants,
                ver: row.ver,
                test: row.test,
                expires_at: row.expires_at,
            };
            (login, spent)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn spent() -> Spent {
        Spent {
            revoked: false,
            expires_at: noon() + TimeDelta::days(14),
            used: true,
            salt: Some([1; 32]),
            successor_at: Some(noon()),
        }
    }

    #[test]
    fn a_repeat_is_believed_for_moments_and_while_the_successor_is_unused() {
        let late = noon() + limits::REFRESH_REPEAT + Duration::from_micros(1);
        let used_on = Spent {
            salt: None,
            ..spent()
        };
        assert_eq!(spent().judge(noon()), Verdict::Again([1; 32]));
        let last = noon() + limits::REFRESH_REPEAT;
        assert_eq!(spent().judge(last), Verdict::Again([1; 32]));
        assert_eq!(spent().judge(late), Verdict::Theft);
        assert_eq!(used_on.judge(noon()), Verdict::Theft);
    }

    #[test]
    fn a_login_that_is_over_is_not_ended_again() {
        let refused = |spent: Spent| spent.judge(noon());
        let revoked = Spent {
            revoked: true,
            ..spent()
        };
        assert_eq!(refused(revoked), Verdict::Refuse(RefreshRefused::Ended));
        let expired = Spent {
            expires_at: noon(),
            ..spent()
        };
        assert_eq!(refused(expired), Verdict::Refuse(RefreshRefused::Expired));
    }
}
