//! The templates of the API's routes, such as `/v1/orders/{order_id}/accept`, read from the document
//! that the API publishes: an idempotency key names a request within its route.

use serde_json::Value;

/// All routes.
#[derive(Debug)]
pub(super) struct Templates(Vec<String>);

impl Templates {
    /// Reads an `OpenAPI` document.
    ///
    /// # Errors
    /// When it names no paths.
    pub(super) fn read(openapi: &Value) -> anyhow::Result<Self> {
        let paths = openapi["paths"].as_object();
        let all: Vec<String> = paths
            .into_iter()
            .flatten()
            .map(|(path, _)| path.clone())
            .collect();
        anyhow::ensure!(!all.is_empty(), "the API's document names no paths");
        Ok(Self(all))
    }

    /// The template of a path without its query; of several that fit, the one that leaves least open.
    pub(super) fn of(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap_or(path);
        let fitting = self.0.iter().filter(|template| fits(template, path));
        let closest = fitting.min_by_key(|template| template.matches('{').count());
        closest.map(String::as_str)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut parts, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(text))
                if part == text || (part.starts_with('{') && !text.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_has_the_closest_template() {
        let document = json!({ "paths": {
            "/v1/orders/{order_id}": {}, "/v1/orders/{order_id}/{action}": {},
            "/v1/orders/{order_id}/accept": {}, "/v1/orders/mine": {},
        }});
        let templates = Templates::read(&document).unwrap();
        for (path, template) in [
            ("/v1/orders/7", Some("/v1/orders/{order_id}")),
            ("/v1/orders/mine?page=2", Some("/v1/orders/mine")),
            ("/v1/orders/7/accept", Some("/v1/orders/{order_id}/accept")),
            ("/v1/orders/7/fire", Some("/v1/orders/{order_id}/{action}")),
            ("/v1/orders/", None),
            ("/v1/orders/7/fire/8", None),
        ] {
            assert_eq!(templates.of(path), template, "{path}");
        }
        assert!(Templates::read(&json!({})).is_err());
    }
}
