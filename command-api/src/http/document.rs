//! What every write's documentation says alike: who must sign in, and the headers that all of them know.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr, Required};

/// The security scheme's name.
const BEARER: &str = "bearer";
/// Writes that are refused without a key, so that a lost answer never makes a second one.
const NEED_KEY: [&str; 2] = ["check_out", "request_delivery"];
/// Writes that are refused without the version that they replace.
const NEED_VERSION: [&str; 3] = ["publish_menu", "set_hours", "set_zones"];
/// Writes that are never repeated from a record: their answer is secret, or they end what has ended.
const KEYLESS: [&str; 4] = [
    "open_payment_session",
    "refresh_login",
    "log_out",
    "log_out_everywhere",
];
/// Routes whose body says who asks.
const OPEN: [&str; 3] = ["refresh_login", "log_out", "begin_guest"];

/// Adds to the document what its operations have in common.
pub(super) fn complete(document: &mut OpenApi) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token of this marketplace, or an API key."))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    for (path, item) in &mut document.paths.paths {
        each(item, |operation, is_write| {
            let name = operation.operation_id.clone().unwrap_or_default();
            if !is_open(path, &name) {
                complete_operation(operation, &name, is_write);
            }
        });
    }
}

/// Whether a route asks for no token. Vendors sign their bodies instead.
pub(super) fn is_open(path: &str, name: &str) -> bool {
    path.starts_with("/v1/webhooks/") || OPEN.contains(&name)
}

fn each(item: &mut PathItem, change: impl Fn(&mut Operation, bool)) {
    let writes = [
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    for operation in writes.into_iter().flatten() {
        change(operation, true);
    }
    if let Some(operation) = &mut item.get {
        change(operation, false);
    }
}

fn complete_operation(operation: &mut Operation, name: &str, is_write: bool) {
    let no_scopes: [String; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(BEARER, no_scopes)]);
    if !is_write || KEYLESS.contains(&name) {
        return;
    }
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(header(
        "Idempotency-Key",
        "Names this request: sent again with the same key, it hears the same answer. Kept 30 days.",
        NEED_KEY.contains(&name),
    ));
    parameters.push(header(
        "If-Match",
        "The `ETag` of the version that this builds on; another one is refused with 412.",
        NEED_VERSION.contains(&name),
    ));
}

fn header(name: &str, description: &str, is_required: bool) -> RefOr<Parameter> {
    let required = if is_required {
        Required::True
    } else {
        Required::False
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .required(required)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
        .into()
}
