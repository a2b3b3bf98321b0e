//! The write side's routes: one file for each use case, in the folder of its context. A handler says
//! who may ask, reads the request, and hands a command to `execute`; it decides nothing.
//!
//! Reading order: `asked` (what each write carries from its request), `answer` (what it hears),
//! `whose` (to whom a thing belongs), then any use case.
//!
//! To add a use case: a file with a handler named like its action in `infra::http::policy`, and its
//! line in the context's `routes`.

mod answer;
mod asked;
mod courier;
mod delivery;
mod document;
mod driver;
mod identity;
mod ops;
mod ordering;
mod restaurant;
mod strict;
mod webhooks;
mod whose;

use infra::http::Problem;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
pub use ops::{ParkedName, Redrive, RedriveError, Redriven};

/// What all routes share in the document.
#[derive(OpenApi)]
#[openapi(components(schemas(Problem, domain::kernel::fault::Fault)))]
struct Shared;

/// All routes of the write side, with their documentation. They need no `App` to be described.
pub fn routes() -> OpenApiRouter<App> {
    let mut routes = OpenApiRouter::with_openapi(Shared::openapi())
        .merge(restaurant::routes())
        .merge(ordering::routes())
        .merge(delivery::routes())
        .merge(driver::routes())
        .merge(identity::routes())
        .merge(ops::routes())
        .merge(webhooks::routes());
    document::complete(routes.get_openapi_mut());
    routes
}

/// The routes over `app`, to be put behind an edge.
pub fn router(app: App) -> OpenApiRouter {
    routes().with_state(app)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use infra::http::policy::Action;
    use utoipa::openapi::path::Operation;

    use super::*;

    fn operations() -> Vec<(String, Operation)> {
        let document = routes().into_openapi();
        let mut found = Vec::new();
        for (path, item) in document.paths.paths {
            let methods = [item.get, item.put, item.post, item.delete, item.patch];
            found.extend(
                methods
                    .into_iter()
                    .flatten()
                    .map(|operation| (path.clone(), operation)),
            );
        }
        found
    }

    #[test]
    fn each_route_is_named_like_an_action_of_the_policy() {
        let actions: BTreeSet<&str> = Action::ALL.iter().map(|action| action.name()).collect();
        for (path, operation) in operations() {
            let name = operation.operation_id.unwrap_or_default();
            let open = document::is_open(&path, &name);
            assert!(open || actions.contains(name.as_str()), "{path}: {name}");
        }
    }

    #[test]
    fn no_action_has_two_routes() {
        let names: Vec<_> = operations()
            .into_iter()
            .filter_map(|(_, op)| op.operation_id)
            .collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn every_route_that_is_not_open_needs_a_token() {
        let mut open = BTreeSet::new();
        for (path, operation) in operations() {
            if operation.security.is_none() {
                open.insert(path);
            }
        }
        let expected = [
            "/v1/auth/guest",
            "/v1/auth/logout",
            "/v1/auth/refresh",
            "/v1/webhooks/stripe",
        ];
        assert_eq!(open, expected.map(str::to_owned).into());
    }

    #[test]
    fn every_route_says_what_it_does_and_how_it_refuses() {
        for (path, operation) in operations() {
            assert!(
                operation.summary.is_some_and(|text| text.ends_with('.')),
                "{path}"
            );
            assert!(
                operation.responses.responses.contains_key("default"),
                "{path}"
            );
        }
    }
}
