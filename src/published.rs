//! The published documents: one `OpenAPI` of both APIs, one `AsyncAPI` of the topics. Built from the
//! types, served at `/openapi.json`, `/asyncapi.json` and `/docs`, kept under `tests/published/`.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use domain::aggregates::{AnyEvent, Kind};
use serde_json::{Map, Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{InfoBuilder, License, OpenApi, PathItem};
use utoipa_swagger_ui::SwaggerUi;

/// The page needs its own script and style, and nothing from elsewhere.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
    frame-ancestors 'none'";

/// The `OpenAPI` 3.1 document of the write side and the read side together.
pub fn openapi() -> OpenApi {
    let mut document = command_api::http::routes().into_openapi();
    document.merge(query_api::openapi());
    document.info = InfoBuilder::new()
        .title("Ramen")
        .description(Some(
            "Hot ramen from independent shops, brought to the door.",
        ))
        .version("1")
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    for (path, item) in &mut document.paths.paths {
        let context = context_of(path);
        for operation in operations(item) {
            operation.tags = Some(vec![context.to_owned()]);
        }
    }
    document
}

/// The heading under which a reader looks for a route.
fn context_of(path: &str) -> &'static str {
    let first = path
        .trim_start_matches("/v1/")
        .split('/')
        .next()
        .unwrap_or_default();
    match (first, path) {
        ("search" | "suggest" | "discover", _) => "discovery",
        ("restaurants", _) => "restaurant",
        ("orders", path) if path.ends_with("/delivery") => "delivery",
        ("carts" | "orders", _) => "ordering",
        ("auth", _) | (_, "/v1/me/sessions") => "identity",
        ("deliveries" | "me", _) => "delivery",
        ("drivers", _) => "driver",
        ("webhooks", _) => "webhooks",
        _ => "ops",
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

/// The `AsyncAPI` 3.0 document: a channel for each topic, a message for each event.
pub fn asyncapi() -> Value {
    let schemas = AnyEvent::schemas();
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for (kind, events) in &schemas {
        let Some(known) = Kind::ALL.iter().find(|known| known.as_str() == *kind) else {
            continue;
        };
        let mut in_channel = Map::new();
        for (event, schema) in events {
            let name = format!("{kind}.{event}");
            in_channel.insert(
                event.clone(),
                reference(&format!("/components/messages/{name}")),
            );
            messages.insert(name.clone(), message(kind, event, schema));
        }
        channels.insert(
            (*kind).to_owned(),
            channel(&known.topic("ramen"), &in_channel),
        );
        let operation = json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{kind}") },
            "summary": format!("Publishes what happens to each {kind}, in order per aggregate."),
        });
        operations.insert(format!("publish.{kind}"), operation);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ramen events",
            "version": "1",
            "license": { "name": "MIT OR Apache-2.0" },
            "description": "CloudEvents 1.0 in binary mode. The key is the aggregate's id; order holds \
                per aggregate; records may repeat, with the same position. Personal data is ciphertext.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "messageTraits": { "envelope": envelope() } },
    })
}

fn reference(pointer: &str) -> Value {
    json!({ "$ref": format!("#{pointer}") })
}

fn channel(topic: &str, messages: &Map<String, Value>) -> Value {
    json!({
        "address": topic,
        "messages": messages,
        "bindings": { "kafka": { "topic": topic, "partitions": 12 } },
    })
}

fn message(kind: &str, event: &str, schema: &Value) -> Value {
    json!({
        "name": format!("ramen.{kind}.{event}.v1"),
        "contentType": "application/json",
        "traits": [reference("/components/messageTraits/envelope")],
        "payload": schema,
    })
}

/// The headers that every record carries.
fn envelope() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "string", "pattern": "^[0-9]+$" });
    json!({
        "headers": {
            "type": "object",
            "required": [
                "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time",
                "kind", "event_type", "event_version", "position", "previous_position", "sequence",
                "chain", "metadata"
            ],
            "properties": {
                "ce_specversion": { "const": "1.0" },
                "ce_id": { "type": "string", "format": "uuid" },
                "ce_type": text, "ce_source": text,
                "ce_subject": { "type": "string", "format": "uuid" },
                "ce_time": { "type": "string", "format": "date-time" },
                "kind": text, "event_type": text, "event_version": number,
                "position": number, "previous_position": number, "sequence": number,
                "chain": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "metadata": text, "traceparent": text,
            },
        },
        "bindings": { "kafka": { "key": { "type": "string", "format": "uuid" } } },
    })
}

/// `/openapi.json`, `/asyncapi.json` and the page at `/docs`.
pub(crate) fn routes() -> Router {
    let docs: Router = SwaggerUi::new("/docs")
        .url("/openapi.json", openapi())
        .into();
    docs.layer(middleware::map_response(own_policy))
        .route("/asyncapi.json", get(asyncapi_json))
}

async fn asyncapi_json() -> Response {
    let name: HeaderName = CONTENT_TYPE;
    ([(name, "application/json")], asyncapi().to_string()).into_response()
}

async fn own_policy(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(DOCS_POLICY);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}
