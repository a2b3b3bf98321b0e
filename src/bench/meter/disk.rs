//! What one flush to the disk costs here and now: latencies are given as multiples of it, too.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use infra::clock::Clock;

use crate::bench::statistic::median;

/// Flushes that are timed.
const FLUSHES: usize = 25;
/// As much as Postgres writes of its log at once.
const BLOCK: [u8; 8192] = [0x5a; 8192];

/// The median time of `fdatasync` after a write of 8 KiB in `folder`.
///
/// # Errors
/// When nothing can be written there.
pub(in super::super) fn flush_time(folder: &Path, clock: &Clock) -> anyhow::Result<Duration> {
    let path = folder.join("flush");
    let mut file =
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        file.write_all(&BLOCK)?;
        let watch = clock.stopwatch();
        file.sync_data()?;
        times.push(watch.seconds());
    }
    std::fs::remove_file(&path)?;
    Ok(Duration::from_secs_f64(median(&times).unwrap_or_default()))
}
