//! Keeps the arrows of `docs/architecture.md`: reads `cargo metadata` and the sources, runs nothing.
//! It is not a linter of taste; every rule here is one of the numbered ones in the document.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its world fails loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate of ours may depend on of ours. A crate that is missing here fails the test.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "ramen",
        &[
            "command-api",
            "projector",
            "query-api",
            "sandbox",
            "infra",
            "domain",
        ],
    ),
    ("command-api", &["infra", "domain"]),
    ("projector", &["infra", "domain"]),
    ("query-api", &["infra", "domain"]),
    ("sandbox", &[]),
    ("infra", &["domain"]),
    ("domain", &[]),
];

/// Third-party crates that the pure domain may use.
const DOMAIN_CRATES: &[&str] = &[
    "chrono",
    "chrono-tz",
    "schemars",
    "serde",
    "serde_json",
    "strum",
    "thiserror",
    "unicode-normalization",
    "utoipa",
    "uuid",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Rust source: its path from the root and its text without comments and tests' modules.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    /// Whether the code names `word` as a path segment or macro.
    fn names(&self, word: &str) -> bool {
        self.text.match_indices(word).any(|(at, _)| {
            let before = self.text[..at].chars().next_back();
            let after = self.text[at + word.len()..].chars().next();
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !part(before) && !part(after)
        })
    }
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if !name.starts_with('.') && name != "target" {
                rust_files(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The text without line comments, so that prose may name what code may not.
fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in [
        "domain",
        "infra",
        "command-api",
        "projector",
        "query-api",
        "sandbox",
        "src",
        "tests",
    ] {
        rust_files(&root().join(folder), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let relative = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            Source {
                path: relative,
                text: without_comments(&text),
            }
        })
        .collect()
}

/// Sources of the product itself: not tests, benches or fuzz targets.
fn product() -> Vec<Source> {
    let beside = |path: &str| {
        ["/tests/", "/benches/", "/fuzz/"]
            .iter()
            .any(|place| path.contains(place))
            || path.starts_with("tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("testing.rs")
            || path.contains("/testing/")
    };
    let mut sources: Vec<Source> = sources()
        .into_iter()
        .filter(|source| !beside(&source.path))
        .collect();
    for source in &mut sources {
        if let Some(at) = source.text.find("#[cfg(test)]\nmod tests {") {
            source.text.truncate(at);
        }
    }
    sources
}

fn offenders(sources: &[Source], word: &str, allowed: &[&str]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| !source.is_under(allowed) && source.names(word))
        .map(|source| format!("{} names {word}", source.path))
        .collect()
}

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Normal dependencies of each of our crates.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap().to_owned();
        let depends = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect();
        found.insert(name, depends);
    }
    found
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let crates = dependencies();
    let ours: BTreeSet<&String> = crates.keys().collect();
    for (name, depends) in &crates {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("crate {name} stands in no tier"));
        for dependency in depends
            .iter()
            .filter(|dependency| ours.contains(dependency))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not use {dependency}"
            );
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let crates = dependencies();
    for dependency in &crates["domain"] {
        assert!(
            DOMAIN_CRATES.contains(&dependency.as_str()),
            "domain must not use {dependency}"
        );
    }
    let domain: Vec<Source> = product()
        .into_iter()
        .filter(|source| source.is_under(&["domain/src/"]))
        .collect();
    for word in [
        "async",
        "tokio",
        "sqlx",
        "Utc::now",
        "SystemTime",
        "Instant",
        "new_v4",
        "now_v7",
    ] {
        assert_eq!(offenders(&domain, word, &[]), Vec::<String>::new());
    }
}

#[test]
fn contexts_do_not_name_one_another() {
    let contexts = ["restaurant", "ordering", "payment", "delivery", "driver"];
    let mut wrong = Vec::new();
    for source in product() {
        let Some(inside) = source.path.strip_prefix("domain/src/") else {
            continue;
        };
        let Some(own) = contexts
            .iter()
            .find(|context| inside.starts_with(&format!("{context}/")))
        else {
            continue;
        };
        for other in contexts.iter().filter(|other| *other != own) {
            if source.text.contains(&format!("crate::{other}::")) {
                wrong.push(format!("{} names {other}", source.path));
            }
        }
        for above in ["joint", "processes", "aggregates"] {
            if source.text.contains(&format!("crate::{above}::")) {
                wrong.push(format!("{} names {above}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_read_side_knows_only_the_kernel() {
    let wrong: Vec<String> = product()
        .iter()
        .filter(|source| source.is_under(&["query-api/src/"]))
        .flat_map(|source| {
            source
                .text
                .match_indices("domain::")
                .filter(|(at, _)| {
                    let rest = &source.text[at + "domain::".len()..];
                    // Of a record it may use the envelope, which names the kind; the macro is the
                    // kernel's, which the compiler exports at the crate's root.
                    !["kernel", "aggregates::Kind", "collect_struct!"]
                        .iter()
                        .any(|allowed| rest.starts_with(allowed))
                })
                .map(|_| source.path.clone())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_schema_has_one_writer() {
    let writes = |text: &str, table: &str| {
        ["INSERT INTO", "UPDATE", "DELETE FROM", "TRUNCATE"]
            .iter()
            .any(|verb| text.contains(&format!("{verb} {table}")))
    };
    let mut wrong = Vec::new();
    for source in product() {
        for table in ["es.events", "es.event_log"] {
            // The limit that benchmarks compare with is a bare insert, into a database of its own.
            let owner = source.is_under(&[
                "infra/src/event_store/",
                "command-api/src/publisher/",
                "src/bench/arms/pgbench.rs",
            ]);
            if writes(&source.text, table) && !owner {
                wrong.push(format!("{} writes {table}", source.path));
            }
        }
        if writes(&source.text, "views.") && !source.is_under(&["projector/src/"]) {
            wrong.push(format!("{} writes views", source.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_library_has_its_place() {
    let product = product();
    let checker = "src/check/";
    let rdkafka = offenders(
        &product,
        "rdkafka",
        &["infra/src/kafka/", "infra/src/feed/", checker],
    );
    assert_eq!(rdkafka, Vec::<String>::new());
    let writer = offenders(&product, "IndexWriter", &["projector/src/search/writer.rs"]);
    assert_eq!(writer, Vec::<String>::new());
    let stripe = offenders(
        &product,
        "stripe_shared",
        &["command-api/src/gateways/payment/stripe/"],
    );
    assert_eq!(stripe, Vec::<String>::new());
}

#[test]
fn clock_randomness_environment_and_tasks_have_one_place_each() {
    let product: Vec<Source> = product()
        .into_iter()
        .filter(|source| !source.is_under(&["sandbox/", "src/check/"]))
        .collect();
    let rules: &[(&str, &[&str])] = &[
        ("Utc::now", &["infra/src/clock.rs"]),
        ("SystemTime::now", &["infra/src/clock.rs"]),
        ("rand::rng", &["infra/src/clock.rs"]),
        ("Uuid::new_v4", &[]),
        ("Uuid::now_v7", &[]),
        (
            "std::env::var",
            &["infra/src/config/environment.rs", "src/local/"],
        ),
        ("tokio::spawn", &["infra/src/lifecycle/tasks.rs"]),
    ];
    let mut wrong = Vec::new();
    for (word, allowed) in rules {
        wrong.extend(offenders(&product, word, allowed));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_checker_imports_none_of_our_crates() {
    let checker: Vec<Source> = product()
        .into_iter()
        .filter(|source| source.is_under(&["src/check/"]))
        .collect();
    let ours = [
        "domain::",
        "infra::",
        "command_api::",
        "projector::",
        "query_api::",
        "sandbox::",
    ];
    for source in &checker {
        for name in ours {
            assert!(!source.text.contains(name), "{} names {name}", source.path);
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut silent = Vec::new();
    let mut paths = Vec::new();
    for folder in [
        "domain",
        "infra",
        "command-api",
        "projector",
        "query-api",
        "sandbox",
        "src",
        "tests",
    ] {
        rust_files(&root().join(folder), &mut paths);
    }
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") || text.lines().next().is_some_and(|line| line.len() < 12) {
            silent.push(path.display().to_string());
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn no_test_waits_by_the_clock() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| source.path.starts_with("tests/") || source.path.contains("/tests/"))
        .filter(|source| source.path != "tests/architecture.rs")
        .filter(|source| {
            // The simulation's clock is its own, and stands still while anything has work to do.
            let own_clock = source.path.starts_with("command-api/tests/dst/");
            (source.text.contains("sleep(") && !own_clock) || source.text.contains("#[ignore")
        })
        .map(|source| source.path.clone())
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn aggregate_folders_hold_the_same_files() {
    let needed = [
        "mod.rs",
        "command.rs",
        "event.rs",
        "rejection.rs",
        "transitions.rs",
        "state.rs",
        "decide.rs",
    ];
    // A large aggregate decides in more than one file, and has its tests by subject.
    let optional = ["rules.rs", "tests.rs", "tests", "upcast.rs", "changes"];
    // A folder beside the aggregates, such as the parts of a menu's document, is not in the list.
    let list = std::fs::read_to_string(root().join("domain/src/aggregates.rs")).unwrap();
    let mut wrong = Vec::new();
    for context in ["restaurant", "ordering", "payment", "delivery", "driver"] {
        let is_aggregate = |path: &Path| {
            let name = path.file_name().unwrap().to_string_lossy();
            path.is_dir() && list.contains(&format!("crate::{context}::{name}::"))
        };
        let folder = root().join("domain/src").join(context);
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for aggregate in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_aggregate(path))
        {
            let names: BTreeSet<String> = std::fs::read_dir(&aggregate)
                .unwrap()
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            for name in needed.iter().filter(|name| !names.contains(**name)) {
                wrong.push(format!("{} lacks {name}", aggregate.display()));
            }
            let known = |name: &String| {
                needed.contains(&name.as_str()) || optional.contains(&name.as_str())
            };
            for name in names.iter().filter(|name| !known(name)) {
                wrong.push(format!("{} holds {name}", aggregate.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The text literals that follow `macro` in `text`, up to the next one of it.
fn first_texts<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    text.split(name)
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

#[test]
fn every_metric_is_described_and_every_described_one_is_counted() {
    let product = product();
    let list = "infra/src/telemetry/metrics.rs";
    let counted: BTreeSet<&str> = product
        .iter()
        .flat_map(|source| {
            ["counter", "gauge", "histogram"]
                .map(|kind| format!("metrics::{kind}!("))
                .into_iter()
                .flat_map(|name| first_texts(&source.text, &name).collect::<Vec<_>>())
        })
        .collect();
    let list = product.iter().find(|source| source.path == list).unwrap();
    let (_, describe) = list.text.split_once("fn describe()").unwrap();
    let described: BTreeSet<&str> = ["counter!(", "gauge!(", "spread!("]
        .into_iter()
        .flat_map(|name| first_texts(describe, name))
        .collect();
    assert!(described.len() > 30, "the list is not where it was");
    assert_eq!(described, counted);
}

/// A point that nobody lists is never struck, and one that nobody passes proves nothing.
#[test]
fn every_kill_point_is_listed_and_every_listed_one_is_passed() {
    let product = product();
    let passed: BTreeSet<&str> = product
        .iter()
        .flat_map(|source| {
            ["fault::point(", "fault::try_point(", "fault::point_amid("]
                .into_iter()
                .flat_map(|call| first_texts(&source.text, call))
        })
        .collect();
    let listed: BTreeSet<&str> = infra::fault::POINTS
        .iter()
        .map(|point| point.name)
        .collect();
    assert_eq!(listed, passed);
}

#[test]
fn what_the_document_names_is_there() {
    let document = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let sources: Vec<String> = ["domain", "infra", "command-api", "projector", "query-api"]
        .iter()
        .chain(&["sandbox", "src", "tests"])
        .flat_map(|folder| {
            let mut files = Vec::new();
            rust_files(&root().join(folder), &mut files);
            files
        })
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let table = document.split("## Invariants").nth(1).unwrap();
    let names = table.split('`').skip(1).step_by(2);
    let missing: Vec<&str> = names
        .filter(|name| !name.contains(' '))
        .filter(|name| {
            let function = format!("fn {name}(");
            !root().join(name).exists() && !sources.iter().any(|text| text.contains(&function))
        })
        .collect();
    assert!(missing.is_empty(), "named and not there: {missing:?}");
}

#[test]
fn every_planted_fault_applies_and_names_its_test() {
    let mut wrong = Vec::new();
    let patches: Vec<PathBuf> = std::fs::read_dir(root().join("tests/planted"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for patch in &patches {
        let name = patch.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(patch).unwrap();
        let says = |what: &str| text.lines().any(|line| line.starts_with(what));
        if !says("Fault: ") || !says("Test: -p ") {
            wrong.push(format!("{name} names no fault or no test"));
        }
        let checked = Command::new("git")
            .args(["apply", "--check"])
            .arg(patch)
            .current_dir(root())
            .output()
            .unwrap();
        if !checked.status.success() {
            let why = String::from_utf8_lossy(&checked.stderr).into_owned();
            wrong.push(format!("{name} does not apply: {why}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(patches.len() >= 30, "{} patches", patches.len());
}
