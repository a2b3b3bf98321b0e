//! Who may do what, asked of every route: each role and nobody, on one's own thing, another's and one
//! that does not exist. The answers come from the one policy table, the routes from
//! `OpenAPI`.

use std::collections::{BTreeMap, BTreeSet};

use infra::http::policy::{Action, Relation};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Role, Session, TestApp};

/// A route of the published document.
struct Route {
    method: Method,
    path: String,
    operation: String,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(ramen::published::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                operation: operation["operationId"].as_str().unwrap().to_owned(),
            });
        }
    }
    routes
}

fn action_of(route: &Route) -> Option<Action> {
    Action::ALL
        .iter()
        .copied()
        .find(|action| action.name() == route.operation)
}

/// Routes that anybody may call, or that are signed by a vendor.
const OPEN: &[&str] = &[
    "search",
    "suggest",
    "discover",
    "read_restaurant",
    "read_menu",
    "read_promise",
    "list_windows",
    "receive_stripe_webhook",
    "refresh_login",
    "log_out",
    "begin_guest",
];

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes = routes();
    let named: BTreeSet<&str> = routes
        .iter()
        .map(|route| route.operation.as_str())
        .collect();
    for route in &routes {
        let known = action_of(route).is_some() || OPEN.contains(&route.operation.as_str());
        assert!(
            known,
            "{} {} ({})",
            route.method, route.path, route.operation
        );
    }
    for action in Action::ALL {
        assert!(
            named.contains(action.name()),
            "{} has no route",
            action.name()
        );
    }
}

/// The ids that paths are filled with.
struct Things(BTreeMap<&'static str, Uuid>);

impl Things {
    fn absent(number: u128) -> Self {
        let kinds = [
            "restaurants",
            "promotions",
            "carts",
            "orders",
            "deliveries",
            "drivers",
        ];
        Self(kinds.map(|kind| (kind, Uuid::from_u128(number))).into())
    }

    fn fill(&self, path: &str) -> String {
        let mut before = "";
        let mut filled = String::new();
        for segment in path.split('/').skip(1) {
            filled.push('/');
            match segment.strip_prefix('{') {
                None => filled.push_str(segment),
                Some(_) => match (self.0.get(before), before) {
                    (Some(id), _) => filled.push_str(&id.to_string()),
                    (None, "items") => filled.push_str("tonkotsu"),
                    (None, "ingredients") => filled.push_str("noodles"),
                    (None, _) => filled.push('1'),
                },
            }
            before = segment;
        }
        filled
    }
}

struct World {
    app: TestApp,
    people: Vec<(Option<Role>, Option<Session>)>,
    others: Things,
}

/// Two of everything: one world's people ask about the other's things.
async fn world() -> World {
    let app = TestApp::start().await;
    let shop = app.open_shop(2, 10).await;
    let (theirs, ops) = (app.customer(2).await, app.ops().await);
    let order = app.placed_order(&theirs, &shop).await;
    let (cart, _) = app.cart(&theirs, &shop).await;
    let terms = json!({
        "issuer": { "type": "shop", "restaurant": shop.id }, "name": { "en": "Ramen week" },
        "target": { "type": "order" }, "platform_bp": 0,
        "reduction": { "type": "percentage", "rate_bp": 1000 }
    });
    let promotion = app.post(&shop.owner, "/v1/promotions", terms).await;
    let accept = format!("/v1/orders/{order}/accept");
    app.post(&shop.owner, &accept, json!({ "prep_minutes": 9 }))
        .await;
    let requested = app
        .post(&ops, &format!("/v1/orders/{order}/delivery"), json!({}))
        .await;
    app.settle().await;
    let id = |text: &str| text.rsplit('/').next().unwrap().parse::<Uuid>().unwrap();
    let others = Things(BTreeMap::from([
        ("restaurants", shop.id),
        ("promotions", id(promotion.body["id"].as_str().unwrap())),
        ("carts", id(&cart)),
        ("orders", id(&order)),
        (
            "deliveries",
            id(requested.body["delivery_id"].as_str().unwrap()),
        ),
        ("drivers", Uuid::from_u128(3_002)),
    ]));
    let mine = Uuid::from_u128(5_001);
    let people = vec![
        (None, None),
        (Some(Role::Customer), Some(app.customer(1).await)),
        (Some(Role::Owner), Some(app.owner(mine).await)),
        (Some(Role::Driver), Some(app.driver(1).await)),
        (Some(Role::Ops), Some(ops)),
        (
            Some(Role::Service),
            Some(app.sign_in(Role::Service, Uuid::from_u128(7), &[]).await),
        ),
    ];
    World {
        app,
        people,
        others,
    }
}

impl World {
    async fn ask(&self, route: &Route, who: Option<&Session>, things: &Things) -> Answer {
        let path = things.fill(&route.path);
        let key = self.app.clock.clock().fresh_id().to_string();
        let mut headers = vec![("if-match", "\"999\""), ("accept", "*/*")];
        let writes = route.method != Method::GET;
        if writes {
            headers.push(("idempotency-key", &key));
        }
        let body: Option<Value> = writes.then(|| json!({}));
        self.app
            .send(who, route.method.clone(), &path, &headers, body.as_ref())
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_see_and_do_what_the_table_says() {
    let world = world().await;
    let mut cells = 0;
    for route in routes() {
        let Some(action) = action_of(&route) else {
            continue;
        };
        for (role, session) in &world.people {
            let allowed = role.and_then(|role| action.relation_of(role));
            let session = match (role, allowed) {
                // It may be the last that is heard of this person.
                (Some(role), Some(Relation::Me)) => {
                    Some(world.app.sign_in(*role, Uuid::from_u128(6_001), &[]).await)
                }
                _ => session.clone(),
            };
            let session = session.as_ref();
            let others = world.ask(&route, session, &world.others).await;
            let absent = world.ask(&route, session, &Things::absent(77)).await;
            cells += 2;
            let said = format!(
                "{role:?} {}: {} {}",
                route.operation, others.status, others.text
            );
            match (role, allowed) {
                (None, _) => assert_eq!(others.problem(401), "unauthorized", "{said}"),
                (Some(_), None) => assert_eq!(others.status, 403, "{said}"),
                (Some(_), Some(Relation::Me)) => {
                    assert!(matches!(others.status, 200 | 204), "{said}");
                }
                (Some(_), Some(Relation::Any)) => {
                    assert!(!matches!(others.status, 401 | 403), "{said}");
                }
                (Some(_), Some(Relation::Own | Relation::Shop | Relation::Assigned)) => {
                    assert!(!matches!(others.status, 401 | 403), "{said}");
                    // Another's thing and one that is not there must look alike.
                    let seen = (others.status, others.body["code"].clone());
                    assert_eq!(seen, (absent.status, absent.body["code"].clone()), "{said}");
                }
            }
        }
    }
    assert!(cells >= 600, "{cells} cells");
    world.app.end().await;
}
