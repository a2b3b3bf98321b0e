//! The security log: sign-ins, refusals and limits, for whoever looks for an attack afterwards. Lines
//! have the target `security`, so that they can be kept apart and longer than others; ids are in them,
//! names and tokens never.

use uuid::Uuid;

use super::token::Principal;

/// Somebody was refused for who they are, or are not. Counted by the same reason.
pub(super) fn refused(reason: &'static str) {
    metrics::counter!("ramen_security_refusals_total", "reason" => reason).increment(1);
    tracing::info!(target: "security", reason, "refused");
}

/// Somebody has signed in.
pub(super) fn signed_in(principal: &Principal) {
    tracing::info!(
        target: "security",
        {
            login.id = %principal.login,
            principal.id = %principal.id,
            principal.role = principal.role.as_str(),
        },
        "signed in"
    );
}

/// A login was ended because its refresh token came a second time: one of two holders is a thief.
pub(super) fn refresh_reused(login: Uuid, principal: Uuid) {
    tracing::warn!(
        target: "security",
        { login.id = %login, principal.id = %principal },
        "a refresh token was used twice; its login is ended"
    );
}
