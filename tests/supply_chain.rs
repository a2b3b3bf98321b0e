//! What we build from: licences, sources and version floors of every package in the lock file.
//!
//! The same rules stand in `.config/deny.toml` for `cargo deny`, which also reads the advisories
//! where their database can be reached. This test needs nothing but cargo.

use std::process::Command;

use serde_json::Value;

/// How a source that is a registry begins; our own packages have no source. Which registry that is
/// says cargo's own default, since the lock file would name any other one differently.
const REGISTRY: &str = "registry+";

/// What we ship on. Packages for other systems alone are not fetched for this test.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Licences that ask for no more than a notice (SPDX names).
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Versions below these have a known fault (reliability §13, the row *floors* and single rows).
const FLOORS: &[(&str, Version, &str)] = &[
    ("h2", (0, 4, 16), "RUSTSEC-2026-0258"),
    ("idna", (1, 0, 0), "RUSTSEC-2024-0421"),
    ("jsonwebtoken", (10, 3, 0), "CVE-2026-25537"),
    ("lru", (0, 18, 2), "reliability §13"),
    ("object_store", (0, 10, 2), "RUSTSEC-2024-0358"),
    ("rustls", (0, 23, 18), "RUSTSEC-2024-0399"),
    ("rustls-webpki", (0, 103, 13), "reliability §13"),
    ("sqlx", (0, 8, 1), "RUSTSEC-2024-0363"),
    ("time", (0, 3, 47), "reliability §13"),
    ("tracing-subscriber", (0, 3, 20), "RUSTSEC-2025-0055"),
];

/// Unmaintained, so never chosen by us; a library that we use may still bring them.
const NOT_CHOSEN: &[&str] = &["backoff", "bincode", "instant", "paste"];

type Version = (u64, u64, u64);

#[test]
fn every_licence_is_allowed() {
    let faults = each_package(|package| {
        let expression = text(package, "license");
        (!allowed(expression)).then(|| format!("{}: licence {expression:?}", label(package)))
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_package_comes_from_the_registry() {
    let faults = each_package(|package| {
        let source = package["source"].as_str()?;
        let foreign = !source.starts_with(REGISTRY);
        foreign.then(|| format!("{}: comes from {source}", label(package)))
    });
    assert_eq!(faults, Vec::<String>::new());
    let first = each_package(|package| package["source"].as_str().map(str::to_owned));
    assert!(
        first.windows(2).all(|pair| pair[0] == pair[1]),
        "packages come from two registries"
    );
}

#[test]
fn no_package_is_older_than_its_floor() {
    let faults = each_package(|package| {
        let (_, floor, why) = FLOORS
            .iter()
            .find(|(name, ..)| *name == text(package, "name"))?;
        let found = version(text(package, "version"));
        (found < *floor).then(|| format!("{}: at least {floor:?} ({why})", label(package)))
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn nothing_unmaintained_is_chosen_by_us() {
    let faults = each_package(|package| {
        let ours = package["source"].is_null();
        let chosen = package["dependencies"].as_array()?;
        let bad = chosen
            .iter()
            .find(|found| NOT_CHOSEN.contains(&text(found, "name")))?;
        ours.then(|| format!("{}: depends on {}", label(package), text(bad, "name")))
    });
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-3.0) AND ISC",
    ] {
        assert!(allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(GPL-3.0 OR AGPL-3.0) AND MIT",
        "(MIT",
        "MIT MIT",
    ] {
        assert!(!allowed(bad), "{bad}");
    }
}

fn each_package(fault: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
            PLATFORM,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("metadata lists packages");
    assert!(
        packages.len() > 100,
        "only {} packages: is this the workspace?",
        packages.len()
    );
    packages.iter().filter_map(fault).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn label(package: &Value) -> String {
    format!("{} {}", text(package, "name"), text(package, "version"))
}

fn version(text: &str) -> Version {
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok()).unwrap_or(0);
    let mut parts = text.split(['.', '-', '+']);
    (
        number(parts.next()),
        number(parts.next()),
        number(parts.next()),
    )
}

/// Whether a licence expression can be met with [`LICENCES`]: `OR` needs one side, `AND` both.
fn allowed(expression: &str) -> bool {
    // Before SPDX expressions, cargo had a slash for `OR`.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest).is_some_and(|met| met && rest.is_empty())
}

fn any(rest: &mut &[&str]) -> Option<bool> {
    let mut met = all(rest)?;
    while take(rest, "OR") {
        met |= all(rest)?;
    }
    Some(met)
}

fn all(rest: &mut &[&str]) -> Option<bool> {
    let mut met = one(rest)?;
    while take(rest, "AND") {
        met &= one(rest)?;
    }
    Some(met)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    if take(rest, "(") {
        let met = any(rest)?;
        return take(rest, ")").then_some(met);
    }
    let (name, after) = rest.split_first()?;
    *rest = after;
    if take(rest, "WITH") {
        let (exception, after) = rest.split_first()?;
        *rest = after;
        return Some(LICENCES.contains(&format!("{name} WITH {exception}").as_str()));
    }
    Some(LICENCES.contains(name))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first() == Some(&word);
    if found {
        *rest = &rest[1..];
    }
    found
}
