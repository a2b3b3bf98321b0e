//! A kill point in the middle of an answer: its first half is on the wire, the second is not.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use http::HeaderValue;
use http::header::CONTENT_LENGTH;
use hyper::body::Body as _;

use super::planned::is_planned;
use super::point;

/// The answer as it is, with a point amid its body. Without a plan for the point nothing is changed.
pub fn point_amid(name: &'static str, response: Response) -> Response {
    let length = response.body().size_hint().exact();
    let Some(length) = length.filter(|length| *length > 1 && is_planned(name)) else {
        return response;
    };
    let mut response = response.map(|body| Body::from_stream(in_two(name, body)));
    // A stream does not say how long it is.
    let length = HeaderValue::from(length);
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

fn in_two(
    name: &'static str,
    body: Body,
) -> impl futures::Stream<Item = Result<bytes::Bytes, axum::Error>> {
    let whole = async move { to_bytes(body, usize::MAX).await };
    let halves = move |mut second: bytes::Bytes| {
        let first = second.split_to(second.len() / 2);
        let second = async move {
            // The connection sends what it has when more is not there yet.
            tokio::task::yield_now().await;
            point(name);
            Ok(second)
        };
        stream::once(future::ready(Ok(first))).chain(stream::once(second))
    };
    stream::once(whole).map_ok(halves).try_flatten()
}
