//! The published documents are what the code says, and never break who relies on them.

use std::path::PathBuf;

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "published", name]
        .iter()
        .collect()
}

fn published(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(path(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Writes a document anew when it is stale; says so then.
fn renewed(name: &str, now: &Value) -> Option<String> {
    if published(name).as_ref() == Some(now) {
        return None;
    }
    let mut text = serde_json::to_string_pretty(now).unwrap();
    text.push('\n');
    std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
    std::fs::write(path(name), text).unwrap();
    Some(format!(
        "tests/published/{name} was stale and is written anew: read the change, commit it"
    ))
}

/// Fails once when a document is stale, and leaves the new one to be read and committed.
fn keep(name: &str, now: &Value) {
    assert_eq!(renewed(name, now), None);
}

#[test]
fn openapi_is_published() {
    keep(
        "openapi.json",
        &serde_json::to_value(ramen::published::openapi()).unwrap(),
    );
}

/// Methods and paths of a service.
fn routes(document: &Value) -> Vec<(&str, &str)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |(path, item)| {
        let item: &Value = item;
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.as_str(), String::as_str(path)))
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn the_proxy_knows_who_answers_a_read() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/.config/proxy.conf");
    let proxy = std::fs::read_to_string(file).unwrap();
    let written = serde_json::to_value(command_api::http::routes().into_openapi()).unwrap();
    for (_, path) in routes(&written)
        .iter()
        .filter(|(method, _)| *method == "get")
    {
        let segment = |part: &str| match part.strip_prefix('{') {
            Some(_) => "[^/]+".to_owned(),
            None => part.to_owned(),
        };
        let pattern: Vec<String> = path.split('/').map(segment).collect();
        let pattern = format!("~^{}$ ", pattern.join("/"));
        let known = |line: &str| line.trim().starts_with(&pattern) && line.contains("command_api;");
        assert!(proxy.lines().any(known), "{pattern} is missing in {file}");
    }
    let read = serde_json::to_value(query_api::openapi()).unwrap();
    for (method, path) in routes(&read) {
        assert_eq!(method, "get", "the proxy sends {path} to the write side");
    }
}

#[test]
fn asyncapi_is_published_and_compatible() {
    let now = ramen::published::asyncapi();
    if let Some(before) = published("asyncapi.json") {
        assert_eq!(breaking_changes(&before, &now), Vec::<String>::new());
    }
    keep("asyncapi.json", &now);
}

#[test]
fn the_schema_of_each_event_is_published() {
    let mut stale = Vec::new();
    for (kind, events) in domain::aggregates::AnyEvent::schemas() {
        for (event, schema) in events {
            stale.extend(renewed(&format!("schemas/{kind}.{event}.v1.json"), &schema));
        }
    }
    assert_eq!(stale, Vec::<String>::new());
}

/// What a reader of the old document could no longer read in the new one.
fn breaking_changes(before: &Value, now: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, channel) in before["channels"].as_object().unwrap() {
        if now["channels"][name]["address"] != channel["address"] {
            broken.push(format!("channel {name} is gone or has moved"));
        }
    }
    for (name, message) in before["components"]["messages"].as_object().unwrap() {
        match now["components"]["messages"].get(name) {
            None => broken.push(format!("message {name} is gone")),
            Some(new) => narrowed(name, &message["payload"], &new["payload"], &mut broken),
        }
    }
    broken
}

/// A reader needs what was required to stay required and each member to keep its type.
fn narrowed(at: &str, before: &Value, now: &Value, broken: &mut Vec<String>) {
    let list = |schema: &Value, name: &str| -> Vec<Value> {
        schema[name].as_array().cloned().unwrap_or_default()
    };
    for member in list(before, "required") {
        if !list(now, "required").contains(&member) {
            broken.push(format!("{at}: {member} is no longer always there"));
        }
    }
    let empty = serde_json::Map::new();
    for (name, schema) in before["properties"].as_object().unwrap_or(&empty) {
        let Some(new) = now["properties"].get(name) else {
            broken.push(format!("{at}: {name} is gone"));
            continue;
        };
        for keyword in ["type", "$ref", "const", "enum", "format"] {
            if schema.get(keyword) != new.get(keyword) {
                broken.push(format!("{at}: {name} has another {keyword}"));
            }
        }
    }
    for (name, schema) in before["$defs"].as_object().unwrap_or(&empty) {
        match now["$defs"].get(name) {
            None => broken.push(format!("{at}: definition {name} is gone")),
            Some(new) => narrowed(&format!("{at}/{name}"), schema, new, broken),
        }
    }
}

#[test]
fn a_breaking_change_is_found() {
    let before = ramen::published::asyncapi();
    let name = "ordering.order.placed";
    let mut dropped = before.clone();
    dropped["components"]["messages"]
        .as_object_mut()
        .unwrap()
        .remove(name);
    assert_eq!(
        breaking_changes(&before, &dropped),
        [format!("message {name} is gone")]
    );
    let mut retyped = before.clone();
    retyped["components"]["messages"][name]["payload"]["properties"]["at"]["type"] =
        "integer".into();
    assert_eq!(
        breaking_changes(&before, &retyped),
        [format!("{name}: at has another type")]
    );
    let mut optional = before.clone();
    optional["components"]["messages"][name]["payload"]["required"] = Value::Array(vec![]);
    assert!(!breaking_changes(&before, &optional).is_empty());
    assert_eq!(breaking_changes(&before, &before), Vec::<String>::new());
}
