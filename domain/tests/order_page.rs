//! `docs/orders.md` is made of the table in `ordering/order/transitions.rs` and written anew when it is stale.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use domain::ordering::order::{By, OrderStage, ROWS, Row};
use domain::ordering::settlement::{Back, CANCEL_POLICY, HANDOVER_POLICY, Shares};
use strum::VariantArray as _;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/orders.md");

const INTRODUCTION: &str = "# Orders

What this is: every stage of an order, what can be asked of it there, by whom, and where that leads. It is made of the
table in `domain/src/ordering/order/transitions.rs` by `domain/tests/order_page.rs`, which fails and writes this file
anew when it is stale. What is not here is refused with the stage and what is possible from there; asking for the same
again changes nothing and answers the same. `domain/tests/model` walks through every order of events that the table,
the payment, the stock, a courier and the timers allow.
";

fn name(word: impl Into<&'static str>) -> &'static str {
    word.into()
}

/// Who, as people say it.
fn who(row: &Row) -> String {
    let names: Vec<_> = row.by.iter().map(|by| name(*by)).collect();
    names.join(", ")
}

/// An arrow for each pair of stages, with all commands that lead along it; what stays in its stage is in the table.
fn diagram() -> String {
    let mut text = String::from("```mermaid\nstateDiagram-v2\n");
    let label = |stage: OrderStage| {
        if stage == OrderStage::Absent {
            "[*]"
        } else {
            name(stage)
        }
    };
    let mut drawn = BTreeSet::new();
    for row in ROWS.iter().filter(|row| row.from != row.to) {
        let arrow = (label(row.from), label(row.to));
        if drawn.insert(arrow) {
            let commands: BTreeSet<_> = ROWS
                .iter()
                .filter(|other| (other.from, other.to) == (row.from, row.to))
                .map(|other| name(other.command))
                .collect();
            let commands: Vec<_> = commands.into_iter().collect();
            writeln!(
                text,
                "    {} --> {}: {}",
                arrow.0,
                arrow.1,
                commands.join(", ")
            )
            .expect("a string grows");
        }
    }
    for end in OrderStage::VARIANTS
        .iter()
        .filter(|stage| ROWS.iter().all(|row| row.from != **stage))
    {
        writeln!(text, "    {} --> [*]", name(*end)).expect("a string grows");
    }
    text.push_str("```\n");
    text
}

fn table() -> String {
    let mut text =
        String::from("| stage | command | by | if | then |\n| --- | --- | --- | --- | --- |\n");
    for row in ROWS {
        let then = if row.from == row.to {
            "unchanged"
        } else {
            name(row.to)
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {then} |",
            name(row.from),
            name(row.command),
            who(row),
            row.guard
        )
        .expect("a string grows");
    }
    text
}

/// Who gets what of an order that is not carried out.
fn settlement() -> String {
    let yes = |paid: bool| if paid { "paid" } else { "not paid" };
    let back = |shares: Shares| match shares.back {
        Back::All => "everything",
        Back::Bringing => "delivery fee and tip",
        Back::Nothing => "nothing",
    };
    let mut text = String::from(
        "| what | at | through the fault of | customer gets back | shop, for the food | courier, for the way |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut add = |what: &str, at: &str, fault: &str, shares: Shares| {
        let (shop, courier) = (yes(shares.shop_paid), yes(shares.courier_paid));
        writeln!(
            text,
            "| {what} | {at} | {fault} | {} | {shop} | {courier} |",
            back(shares)
        )
        .expect("a string grows");
    };
    for row in CANCEL_POLICY {
        let stages: Vec<_> = row.stages.iter().map(|stage| name(*stage)).collect();
        let faults: Vec<_> = row.faults.iter().map(|fault| name(*fault)).collect();
        add(
            "cancelled",
            &stages.join(", "),
            &faults.join(", "),
            row.shares,
        );
    }
    for row in HANDOVER_POLICY {
        let reasons: Vec<_> = row
            .reasons
            .iter()
            .map(|reason| serde_json::to_value(reason).expect("a word"))
            .filter_map(|reason| reason.as_str().map(str::to_owned))
            .collect();
        if reasons.is_empty() {
            add("not collected", "ready", "customer", row.shares);
        } else {
            add("undeliverable", "the door", &reasons.join(", "), row.shares);
        }
    }
    text
}

const SETTLEMENT: &str =
    "Made of `domain/src/ordering/settlement.rs`. What it comes to is written into the event that \
ends the order. Before capture the reservation is given up, after it the money is refunded.
";

fn page() -> String {
    format!(
        "{INTRODUCTION}\n## Stages\n\n{}\n## Commands\n\n{}\n## Who gets what when it ends early\n\n{SETTLEMENT}\n{}",
        diagram(),
        table(),
        settlement()
    )
}

#[test]
fn the_page_on_orders_is_what_the_table_says() {
    let now = page();
    let written = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    if written != now {
        std::fs::write(FILE, now).expect("the repository can be written");
        panic!("docs/orders.md was stale and is written anew: read the change, commit it");
    }
}

#[test]
fn somebody_asks_every_command() {
    for row in ROWS {
        assert!(!row.by.is_empty(), "{row:?}");
        assert!(
            !row.by.contains(&By::Driver),
            "drivers speak to their delivery: {row:?}"
        );
    }
}
