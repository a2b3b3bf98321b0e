//! Reading one's own account.

pub(super) mod list_sessions;
