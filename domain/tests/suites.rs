//! The suites that run over the list of aggregates: samples, frozen wire forms, reading old forms, replay, transition
//! tables, schemas. A new aggregate joins them by its line in `aggregates!`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use domain::aggregates::{AnyEvent, Kind};
use domain::decider::{Decider, Event, allowed_from, decode, replay};
use domain::for_each_aggregate;
use serde_json::Value;
use strum::{VariantArray, VariantNames};
use uuid::Uuid;

/// Makes a test that runs a generic function, `check`, for every aggregate.
macro_rules! every_aggregate {
    ($($aggregate:ty),+) => { $(check::<$aggregate>();)+ };
}

fn frozen() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen")
}

/// `<kind>.<event>.v<version>` and what tells several samples and several forms of one version apart.
fn stem<D: Decider>(event: &D::Event, sample: usize) -> String {
    let more = if sample == 0 {
        String::new()
    } else {
        format!(".sample{}", sample + 1)
    };
    format!("{}.{}.v{}{more}", D::KIND, event.name(), event.version())
}

/// The samples, each with its number among those of the same event.
fn numbered_samples<D: Decider>() -> Vec<(usize, D::Event)> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut number = |event: &D::Event| {
        let count = counts.entry(event.name()).or_default();
        *count += 1;
        *count - 1
    };
    D::Event::samples()
        .into_iter()
        .map(|event| (number(&event), event))
        .collect()
}

#[test]
fn every_event_has_a_sample() {
    fn check<D: Decider>() {
        let sampled: BTreeSet<_> = D::Event::samples().iter().map(Event::name).collect();
        let all: BTreeSet<_> = D::Event::VARIANTS.iter().copied().collect();
        assert_eq!(sampled, all, "{}", D::KIND);
    }
    for_each_aggregate!(every_aggregate);
}

#[test]
fn wire_forms_are_frozen() {
    /// Compares each sample with the newest of its frozen forms; writes what is new.
    fn check<D: Decider>(written: &mut Vec<String>) {
        for (number, event) in numbered_samples::<D>() {
            let stem = stem::<D>(&event, number);
            let form = serde_json::to_value(&event).unwrap();
            let path = |form: usize| {
                frozen().join(if form == 1 {
                    format!("{stem}.json")
                } else {
                    format!("{stem}.form{form}.json")
                })
            };
            let forms = (1..1000).take_while(|form| path(*form).exists()).count();
            let newest = (forms > 0).then(|| std::fs::read_to_string(path(forms)).unwrap());
            if newest.is_some_and(|text| serde_json::from_str::<Value>(&text).unwrap() == form) {
                continue;
            }
            std::fs::create_dir_all(frozen()).unwrap();
            std::fs::write(
                path(forms + 1),
                serde_json::to_string_pretty(&form).unwrap() + "\n",
            )
            .unwrap();
            written.push(path(forms + 1).display().to_string());
        }
    }
    let mut written = Vec::new();
    macro_rules! call {
        ($($aggregate:ty),+) => { $(check::<$aggregate>(&mut written);)+ };
    }
    for_each_aggregate!(call);
    assert!(
        written.is_empty(),
        "new wire forms were written. Read and commit them if only optional fields were added; otherwise the event needs \
         a new version and an upcast.rs: {written:#?}"
    );
}

#[test]
fn every_frozen_file_reads_as_its_event_today() {
    let mut seen = 0;
    for entry in std::fs::read_dir(frozen()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let parts: Vec<_> = file.split('.').collect();
        let [context, aggregate, name, version, ..] = parts[..] else {
            panic!("{file} is not named as it should be")
        };
        let kind = Kind::parse(&format!("{context}.{aggregate}")).unwrap();
        let version = version.strip_prefix('v').unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let event = AnyEvent::decode(kind, name, version, &text)
            .unwrap_or_else(|error| panic!("{file}: {error:?}"));
        let again = AnyEvent::decode(
            kind,
            event.name(),
            event.version(),
            &event.to_json().unwrap(),
        )
        .unwrap();
        assert_eq!(again, event, "{file}");
        seen += 1;
    }
    assert!(seen > 0, "there are frozen files");
}

#[test]
fn readers_tolerate_members_that_later_builds_add() {
    fn check<D: Decider>() {
        for event in D::Event::samples() {
            let mut value = serde_json::to_value(&event).unwrap();
            value["added_later"] = Value::from(1);
            let read = decode::<D>(event.name(), event.version(), &value.to_string());
            assert_eq!(read.unwrap(), event, "{}", D::KIND);
        }
    }
    for_each_aggregate!(every_aggregate);
}

#[test]
fn a_payload_is_not_read_under_another_name() {
    fn check<D: Decider>() {
        for event in D::Event::samples() {
            let text = serde_json::to_string(&event).unwrap();
            for other in D::Event::VARIANTS
                .iter()
                .filter(|name| **name != event.name())
            {
                assert!(
                    decode::<D>(other, event.version(), &text).is_err(),
                    "{} {other}",
                    D::KIND
                );
            }
            assert!(decode::<D>(event.name(), "1", "{\"type\":").is_err());
        }
    }
    for_each_aggregate!(every_aggregate);
}

#[test]
fn a_state_survives_its_snapshot_and_replays_to_itself() {
    fn check<D: Decider>() {
        let samples = D::Event::samples();
        let mut state = D::default();
        for count in 0..=samples.len() {
            assert_eq!(replay::<D>(&samples[..count]), state, "{}", D::KIND);
            let snapshot = serde_json::to_string(&state).unwrap();
            assert_eq!(
                serde_json::from_str::<D>(&snapshot).unwrap(),
                state,
                "{}",
                D::KIND
            );
            if let Some(event) = samples.get(count) {
                state.evolve(event);
            }
        }
        assert_eq!(
            state.facets(Uuid::from_u128(7)),
            state.facets(Uuid::from_u128(7))
        );
    }
    for_each_aggregate!(every_aggregate);
}

#[test]
fn every_command_has_a_row_and_every_stage_is_reached() {
    fn check<D: Decider>() {
        let with_row: HashSet<_> = D::TRANSITIONS
            .iter()
            .map(|(_, command, _)| *command)
            .collect();
        let without: Vec<_> = D::CommandKind::VARIANTS
            .iter()
            .filter(|kind| !with_row.contains(kind))
            .collect();
        assert!(without.is_empty(), "{}: no row for {without:?}", D::KIND);
        let mut reached = HashSet::from([D::default().stage()]);
        while let Some((_, _, to)) = D::TRANSITIONS
            .iter()
            .find(|(from, _, to)| reached.contains(from) && !reached.contains(to))
        {
            reached.insert(*to);
        }
        let never: Vec<_> = D::Stage::VARIANTS
            .iter()
            .filter(|stage| !reached.contains(stage))
            .collect();
        assert!(never.is_empty(), "{}: never at {never:?}", D::KIND);
        let rows: HashSet<_> = D::TRANSITIONS.iter().collect();
        assert_eq!(
            rows.len(),
            D::TRANSITIONS.len(),
            "{}: a row stands twice",
            D::KIND
        );
        assert!(
            !allowed_from::<D>(D::default().stage()).is_empty(),
            "{}",
            D::KIND
        );
    }
    for_each_aggregate!(every_aggregate);
}

#[test]
fn every_event_has_a_schema_that_its_sample_fits() {
    fn check<D: Decider>() {
        let schemas = AnyEvent::schemas();
        let schemas = &schemas[D::KIND];
        for event in D::Event::samples() {
            let schema = schemas
                .get(event.name())
                .unwrap_or_else(|| panic!("{} {}", D::KIND, event.name()));
            let value = serde_json::to_value(&event).unwrap();
            let at = format!("{} {}", D::KIND, event.name());
            fits(&value, schema, schema, &at);
        }
        assert_eq!(schemas.len(), D::Event::VARIANTS.len(), "{}", D::KIND);
    }
    for_each_aggregate!(every_aggregate);
}

/// Checks the words that our schemas are made of: references, alternatives, types, members, elements, constants.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str) {
    if let Err(why) = fault(value, schema, root) {
        panic!("{at}: {why}");
    }
}

fn fault(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root
            .pointer(&reference[1..])
            .ok_or_else(|| format!("{reference} is not defined"))?;
        fault(value, target, root)?;
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(branches) = schema.get(word).and_then(Value::as_array) {
            let errors: Vec<_> = branches
                .iter()
                .filter_map(|branch| fault(value, branch, root).err())
                .collect();
            if errors.len() == branches.len() {
                return Err(format!("{value} fits no branch: {errors:?}"));
            }
        }
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        return Err(format!("{value} is not {constant}"));
    }
    if schema
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|values| !values.contains(value))
    {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    match schema.get("type") {
        Some(Value::String(name)) if !is(name) => return Err(format!("{value} is no {name}")),
        Some(Value::Array(names)) if !names.iter().filter_map(Value::as_str).any(is) => {
            return Err(format!("{value} is none of {names:?}"));
        }
        _ => {}
    }
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        value
            .get(name)
            .ok_or_else(|| format!("{name} is missing in {value}"))?;
    }
    if let Some(members) = schema.get("properties").and_then(Value::as_object) {
        for (name, of_value) in value.as_object().into_iter().flatten() {
            if let Some(member) = members.get(name) {
                fault(of_value, member, root).map_err(|why| format!("{name}: {why}"))?;
            }
        }
    }
    if let Some(elements) = schema.get("items") {
        for element in value.as_array().into_iter().flatten() {
            fault(element, elements, root)?;
        }
    }
    Ok(())
}

#[test]
fn kinds_and_topics_have_their_names() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()).unwrap(), *kind);
        assert_eq!(kind.topic("ramen"), format!("ramen.{kind}.v1"));
    }
    assert!(Kind::parse("restaurant.pizza").is_err());
}
