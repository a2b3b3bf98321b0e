//! Two runs beside one another: how each ratio has moved.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::console;

/// Prints each ratio of both runs and the second as a multiple of the first.
///
/// # Errors
/// When a folder holds no result.
pub(in crate::bench) fn compare(one: &Path, other: &Path) -> anyhow::Result<()> {
    let (before, after) = (read(one)?, read(other)?);
    console::line("| what | before | after | after ÷ before |");
    console::line("| --- | ---: | ---: | ---: |");
    for (what, after) in &after {
        if let Some(before) = before.get(what) {
            let moved = after / before;
            console::line(format!(
                "| {what} | {before:.3} | {after:.3} | {moved:.3} |"
            ));
        }
    }
    Ok(())
}

/// Every ratio of a run by what it compares.
fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, f64>> {
    let path = folder.join("result.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let run: Value = serde_json::from_str(&text)?;
    let mut ratios = BTreeMap::new();
    for measured in list(&run["measured"]) {
        for judged in list(&measured["goals"]) {
            let goal = &judged["goal"];
            let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let what = format!(
                "{}: {}, {} {} {}",
                name(&measured["id"]),
                name(&measured["title"]),
                name(&goal["metric"]),
                name(&goal["over"]),
                name(&goal["under"])
            );
            if let Some(median) = judged["ratio"]["median"].as_f64() {
                ratios.insert(what, median);
            }
        }
    }
    Ok(ratios)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
