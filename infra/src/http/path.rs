//! Path parameters. An id that is none names nothing, so the answer is 404, as for an unknown one.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::ApiError;

/// The parameters of the route's path, as a value or a tuple of values, in order.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::not_found()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use domain::kernel::ids::OrderId;
    use http::Request;
    use tower::ServiceExt as _;

    async fn status(path: &str) -> u16 {
        let handler = |Path(id): Path<OrderId>| async move { id.to_string() };
        let router: Router = Router::new().route("/orders/{id}", get(handler));
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_malformed_id_is_not_found() {
        assert_eq!(
            status("/orders/0190b5a0-0000-7000-8000-000000000001").await,
            200
        );
        for id in [
            "1",
            "x'--",
            "..",
            "%00",
            "0190b5a0-0000-7000-8000-00000000000g",
        ] {
            assert_eq!(status(&format!("/orders/{id}")).await, 404, "{id}");
        }
    }
}
