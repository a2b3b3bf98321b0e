//! B7: menus that are cached, over connections that stay open. The query API and the least that answers
//! over HTTP, each in a process of its own, are asked the same in turns; the server's time counts.

use std::path::Path;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::Stage;
use crate::bench::arm::Arm;
use crate::bench::arms::served::{Fetched, Page, Process, Served, fetch};
use crate::bench::goal::{Goal, Metric};
use crate::bench::reader::{Filled, responder};
use crate::bench::rounds::{Measured, Plan, run as run_rounds};

/// Requests for the most popular shop in a cycle; the nth has one nth of them.
const MOST: usize = 840;

pub(super) async fn run(stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let filled = Filled::open(stage, "menus").await?;
    let mut reader = filled.serving().await?;
    let origin = reader.origin();
    let mut menus = Vec::new();
    for shop in &filled.shops {
        menus.push(Menu::fetch(&origin, shop).await?);
    }
    let first = menus.first().context("a marketplace without shops")?;
    first.write(filled.folder())?;
    let mixed = Asked::drawn(&menus, stage.pace.seed);
    let known = Asked::known(&menus);
    let title = format!(
        "cached menu, {} shops by Zipf, {} bytes, half of them unchanged, 8 connections",
        menus.len(),
        first.full.body.len()
    );
    let mut arms: Vec<Box<dyn Arm>> = Vec::new();
    for (name, asked) in [("ours", mixed.clone()), ("ours 304", known.clone())] {
        let reader = filled.serving().await?;
        let origin = reader.origin();
        let process = Process::Service(Box::new(reader));
        arms.push(Box::new(Served::new(
            name,
            (process, origin),
            asked.ours,
            stage.clock,
        )));
    }
    for (name, asked) in [("raw", mixed), ("raw 304", known)] {
        let (tool, origin) = responder(&reader, filled.folder()).await?;
        let process = Process::Tool(Box::new(tool));
        arms.push(Box::new(Served::new(
            name,
            (process, origin),
            asked.first,
            stage.clock,
        )));
    }
    let plan = Plan {
        id: "B7",
        title,
        unit: "menu",
        goals: vec![
            Goal::at_most((Metric::ServerCpu, "ours", "raw"), None, Some(1.35)),
            Goal::at_most((Metric::ServerCpu, "ours 304", "raw 304"), None, Some(1.1)),
        ],
    };
    let measured = run_rounds(plan, arms, stage.pace, stage.server, stage.clock).await?;
    reader.stop().await?;
    filled.close(stage.server).await?;
    Ok(vec![measured])
}

/// A shop's menu as it is served.
struct Menu {
    path: String,
    tag: String,
    full: Fetched,
    unchanged: Fetched,
}

impl Menu {
    async fn fetch(origin: &str, shop: &str) -> anyhow::Result<Self> {
        let path = format!("/v1/restaurants/{shop}/menu");
        let full = fetch(origin, &path, None).await?;
        let tag = full.tag.clone().context("a menu without a tag")?;
        let unchanged = fetch(origin, &path, Some(&tag)).await?;
        Ok(Self {
            path,
            tag,
            full,
            unchanged,
        })
    }

    /// Leaves both answers where a responder reads them.
    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::write(folder.join("full"), &self.full.whole)?;
        std::fs::write(folder.join("unchanged"), &self.unchanged.whole)?;
        Ok(())
    }

    fn page(&self, is_known: bool) -> Page {
        if is_known {
            Page::new(&self.path, Some(&self.tag), Vec::new())
        } else {
            Page::new(&self.path, None, self.full.body.clone())
        }
    }
}

/// A cycle of requests: for our server, and the same for one that has the first menu alone.
#[derive(Clone)]
struct Asked {
    ours: Vec<Page>,
    first: Vec<Page>,
}

impl Asked {
    /// By popularity, in an order drawn from the seed, every second with a condition.
    fn drawn(menus: &[Menu], seed: u64) -> Self {
        let ranks = menus.iter().zip(1..);
        let mut drawn: Vec<&Menu> = ranks
            .flat_map(|(menu, rank)| std::iter::repeat_n(menu, MOST / rank))
            .collect();
        drawn.shuffle(&mut StdRng::seed_from_u64(seed));
        Self::of(menus, &drawn, |nth| nth % 2 == 1)
    }

    /// One after the other, each with its tag.
    fn known(menus: &[Menu]) -> Self {
        let drawn: Vec<&Menu> = menus.iter().collect();
        Self::of(menus, &drawn, |_| true)
    }

    fn of(menus: &[Menu], drawn: &[&Menu], is_known: impl Fn(usize) -> bool) -> Self {
        let pages =
            |menu: &dyn Fn(usize) -> Option<Page>| (0..drawn.len()).filter_map(menu).collect();
        Self {
            ours: pages(&|nth| Some(drawn.get(nth)?.page(is_known(nth)))),
            first: pages(&|nth| Some(menus.first()?.page(is_known(nth)))),
        }
    }
}
