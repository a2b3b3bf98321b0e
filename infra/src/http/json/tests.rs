//! What a body may be, and what is said of one that is not.

use super::*;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    item: String,
    quantity: u32,
}
domain::collect_struct!(Line { item, quantity });

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: uuid::Uuid,
    lines: Vec<Line>,
    #[serde(default)]
    note: Option<String>,
}
domain::collect_struct!(Order { id, lines, note });

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Choice {
    Order(Order),
    Line(Line),
}
crate::collect_tagged!(Choice { "order" => Order(Order), "line" => Line(Line) });

fn faults<T: DeserializeOwned + Collect + std::fmt::Debug>(body: &str) -> Vec<String> {
    let error = parse::<T>(body.as_bytes()).unwrap_err();
    let mut pointers: Vec<_> = error
        .faults()
        .iter()
        .map(|fault| fault.pointer.clone())
        .collect();
    pointers.sort();
    pointers
}

#[test]
fn a_good_body_is_read() {
    let order: Order = parse(
        br#"{"id":"0190b5a0-0000-7000-8000-000000000001","lines":[{"item":"miso","quantity":2}]}"#,
    )
    .unwrap();
    assert_eq!(order.lines[0].quantity, 2);
}

#[test]
fn every_fault_is_reported_with_its_pointer() {
    let body =
        r#"{"id":"x","lines":[{"item":1,"quantity":-1},{"quantity":1e3,"extra":0}],"more":1}"#;
    assert_eq!(
        faults::<Order>(body),
        [
            "/id",
            "/lines/0/item",
            "/lines/0/quantity",
            "/lines/1/extra",
            "/lines/1/item",
            "/lines/1/quantity",
            "/more",
        ]
    );
}

#[test]
fn alternatives_point_into_the_chosen_one() {
    assert_eq!(
        faults::<Choice>(r#"{"type":"line","item":"a"}"#),
        ["/quantity"]
    );
    assert_eq!(faults::<Choice>(r#"{"type":"soup"}"#), ["/type"]);
    assert_eq!(faults::<Choice>("[]"), [""]);
    let line: Choice = parse(br#"{"type":"line","item":"a","quantity":1}"#).unwrap();
    assert_eq!(
        line,
        Choice::Line(Line {
            item: "a".to_owned(),
            quantity: 1
        })
    );
}

#[test]
fn members_given_twice_are_refused_in_any_spelling() {
    let body = r#"{"id":"x","lines":[{"item":"a","it\u0065m":"b"}],"id":"y"}"#;
    assert_eq!(faults::<Order>(body), ["/id", "/lines/0/item"]);
    assert!(scan(br#"[{"a":{"a":"a"}},{"a":["a","a"]}]"#).is_ok());
}

#[test]
fn nesting_is_counted() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan(nested(32).as_bytes()).is_ok());
    assert_eq!(
        scan(nested(33).as_bytes()).unwrap_err().code(),
        "json_too_deep"
    );
    assert_eq!(
        scan(&b"[".repeat(2_000_000)).unwrap_err().code(),
        "json_too_deep"
    );
    assert!(scan(br#""[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[""#).is_ok());
}

#[test]
fn what_is_no_json_is_400() {
    for body in [
        "",
        "{",
        "{\"id\":",
        "nul",
        "{\"id\":1}x",
        "\"\\",
        "[1,]",
        "{\"a\":1e999}",
        "\u{feff}{}",
    ] {
        let error = parse::<Order>(body.as_bytes()).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.code()),
            (400, "malformed_json"),
            "{body}"
        );
    }
    assert_eq!(
        parse::<Order>(b"{\"id\":\"\xff\"}").unwrap_err().status(),
        400
    );
}

#[test]
fn a_hundred_thousand_faults_are_cut() {
    let body = format!("[{}0]", "0,".repeat(100_000));
    assert_eq!(
        parse::<Vec<Line>>(body.as_bytes())
            .unwrap_err()
            .faults()
            .len(),
        limits::FAULTS_MAX
    );
}

fn media(kind: &'static str) -> Result<(), ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    check_media_type(&headers)
}

#[test]
fn only_json_is_read() {
    for kind in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
    ] {
        assert!(media(kind).is_ok(), "{kind}");
    }
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/+json",
        "x/y+json",
    ] {
        assert_eq!(media(kind).unwrap_err().status(), 415, "{kind}");
    }
}

#[tokio::test]
async fn a_body_over_its_size_is_413_announced_or_not() {
    let announced = Request::new(Body::from(vec![b' '; 11]));
    assert_eq!(
        read(announced, 10, limits::BODY_TIMEOUT)
            .await
            .unwrap_err()
            .status(),
        413
    );
    let chunks = ["12345", "67890", "1"].map(Ok::<_, std::io::Error>);
    let streamed = Request::new(Body::from_stream(futures::stream::iter(chunks)));
    assert_eq!(
        read(streamed, 10, limits::BODY_TIMEOUT)
            .await
            .unwrap_err()
            .status(),
        413
    );
    let exact = Request::new(Body::from("1234567890"));
    assert_eq!(
        read(exact, 10, limits::BODY_TIMEOUT).await.unwrap(),
        "1234567890"
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_one_that_breaks_off_is_400() {
    let never = Request::new(Body::from_stream(futures::stream::pending::<
        Result<Bytes, std::io::Error>,
    >()));
    assert_eq!(
        read(never, 10, Duration::from_millis(1))
            .await
            .unwrap_err()
            .status(),
        408
    );
    let broken = [Ok("12"), Err(std::io::Error::other("reset"))];
    let broken = Request::new(Body::from_stream(futures::stream::iter(broken)));
    assert_eq!(
        read(broken, 10, limits::BODY_TIMEOUT)
            .await
            .unwrap_err()
            .status(),
        400
    );
}

proptest! {
    #[test]
    fn any_bytes_are_scanned_and_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse::<Order>(&bytes));
    }

    #[test]
    fn any_json_like_text_is_scanned_without_panic(text in "[\\[\\]{}\",:\\\\a0u]{0,100}") {
        drop(parse::<Order>(text.as_bytes()));
    }

    #[test]
    fn distinct_names_are_never_called_repeated(names in prop::collection::hash_set("[a-z\"\\\\/é]{0,6}", 0..10)) {
        let object: serde_json::Map<_, _> = names.into_iter().map(|name| (name, Value::Null)).collect();
        prop_assert!(scan(Value::Object(object).to_string().as_bytes()).is_ok());
    }
}
